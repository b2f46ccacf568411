// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"refdesk/cmd/internal/node"
)

func runSearch(ctx context.Context, in *invocation) error {
	if len(in.args) > 0 && in.args[0] == "eval" {
		in.args = in.args[1:]
		return runSearchEval(ctx, in)
	}
	if err := in.parse(); err != nil {
		return err
	}
	return usagef("say what to do: refdesk search eval DIR")
}

func runSearchEval(ctx context.Context, in *invocation) error {
	asJSON := in.flags.Bool("json", false, "print one JSON object")
	if err := in.parse(); err != nil {
		return err
	}
	dir := ""
	for len(in.args) > 0 { // flags may also stand behind DIR
		if dir != "" {
			return usagef("one folder at a time")
		}
		dir, in.args = in.args[0], in.args[1:]
		if err := in.parse(); err != nil {
			return err
		}
	}
	if dir == "" {
		return usagef("name the folder that holds docs.jsonl, queries.jsonl and qrels.tsv")
	}
	f, err := node.EvalSearch(ctx, dir)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(in.stdout).Encode(f)
	}
	fmt.Fprintf(in.stdout, "nDCG@10 %.4f, MRR@10 %.4f, recall@10 %.4f over %d queries\n", f.NDCG10, f.MRR10, f.Recall10, f.Queries)
	return nil
}
