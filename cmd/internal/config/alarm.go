// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"refdesk/bridge/alarm/target"
)

// Alarm says who is told that a chat waits and nobody claims it.
type Alarm struct {
	Targets []string `toml:"targets"` // as target.Parse reads them
}

// maxTargets bounds how many are told at once.
const maxTargets = 50

// AlarmTargets are the places that alarms go to.
func (c *Config) AlarmTargets() ([]target.Target, error) {
	if n := len(c.Alarm.Targets); n > maxTargets {
		return nil, fmt.Errorf("these are %d targets; %d are enough", n, maxTargets)
	}
	list := make([]target.Target, len(c.Alarm.Targets))
	for i, s := range c.Alarm.Targets {
		var err error
		if list[i], err = target.Parse(s); err != nil {
			return nil, fmt.Errorf("target %d: %w", i+1, err)
		}
	}
	return list, nil
}

func (c *Config) checkAlarm(v *verdict) {
	_, err := c.AlarmTargets()
	v.want(err == nil, "alarm.targets", "%v", err)
}
