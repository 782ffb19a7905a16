package flowtest_test

import (
	"testing"

	"github.com/millrace-go/millrace/flow/flowtest"
)

// TestReplayPM1 replays what was recorded:
//
//	flow p, message m-1, recorded 2000-01-01T00:00:00Z
//	1    dead-letter      +0s
//	1    split            +0s  failed after 0s, permanent: no letter
//	1    = dead_lettered  +1s  2 parts failed; the first: flow p: stage split: message m-1: no letter
//	1.1  parallel         +0s  "a"
//	1.1  map              +0s
//	1.1  join             +0s
//	1.1  to               +0s  failed after 1s, permanent: the database is down
//	1.1  = returned       +1s  flow p: stage to: message m-1/1: the database is down
//	1.2  parallel         +0s  "`"
//	1.2  map              +0s
//	1.2  join             +0s
//	1.2  to               +1s
//	1.2  = delivered      +1s
//	1.3  parallel         +0s  "b"
//	1.3  map              +0s
//	1.3  join             +0s
//	1.3  to               +1s
//	1.3  = delivered      +1s
func TestReplayPM1(t *testing.T) {
	flowtest.Test(t, func(t *testing.T) {
		flowtest.Replay(t, `{
	"flow": "p",
	"source": "from",
	"started": "2000-01-01T00:00:00Z",
	"message": {
		"id": "m-1",
		"key": "k",
		"time": "2000-01-01T00:00:00Z",
		"attempt": 1,
		"headers": {
			"h": "v",
			"token": "redacted"
		},
		"value": "a\u0060b!"
	},
	"branches": [
		{
			"name": "1",
			"entries": [
				{
					"stage": "dead-letter",
					"micros": 0
				},
				{
					"stage": "split",
					"micros": 0,
					"failure": {
						"class": "permanent",
						"text": "no letter",
						"micros": 0
					}
				}
			],
			"outcome": "dead_lettered",
			"cause": "2 parts failed; the first: flow p: stage split: message m-1: no letter",
			"ended_micros": 1000000
		},
		{
			"name": "1.1",
			"entries": [
				{
					"stage": "parallel",
					"micros": 0,
					"value": "a"
				},
				{
					"stage": "map",
					"micros": 0
				},
				{
					"stage": "join",
					"micros": 0
				},
				{
					"stage": "to",
					"micros": 0,
					"failure": {
						"class": "permanent",
						"text": "the database is down",
						"micros": 1000000
					}
				}
			],
			"outcome": "returned",
			"cause": "flow p: stage to: message m-1/1: the database is down",
			"ended_micros": 1000000
		},
		{
			"name": "1.2",
			"entries": [
				{
					"stage": "parallel",
					"micros": 0,
					"value": "\u0060"
				},
				{
					"stage": "map",
					"micros": 0
				},
				{
					"stage": "join",
					"micros": 0
				},
				{
					"stage": "to",
					"micros": 1000000
				}
			],
			"outcome": "delivered",
			"ended_micros": 1000000
		},
		{
			"name": "1.3",
			"entries": [
				{
					"stage": "parallel",
					"micros": 0,
					"value": "b"
				},
				{
					"stage": "map",
					"micros": 0
				},
				{
					"stage": "join",
					"micros": 0
				},
				{
					"stage": "to",
					"micros": 1000000
				}
			],
			"outcome": "delivered",
			"ended_micros": 1000000
		}
	]
}`, replayWords)
	})
}
