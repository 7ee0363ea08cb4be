#!/usr/bin/env bats
# Goal: a channel's history can be taken away: all of it, for everybody at the same place, and how much
# it was is told.

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"

setup() {
	fixture
	NODES=ws1
	YAML_CHANNELS='rules:
  - { match: "news*", history: { size: 100, ttl: 1h } }
  - { match: "last", cache: last }'
	start_redis
	write_yaml
}
kept() { rcli --raw xrange "chat.h:s:$1" - + | awk 'NR % 3 == 0'; }

@test "purge: what was kept is gone, what comes after it is kept; everybody who listens hears it" {
	seq 1 250 | wsctl publish news -
	spawn spy redis-cli -p "${PORT[redis]}" subscribe chat:news
	wait_until 5 numsub_is chat:news 1
	run -0 wsctl purge -n news
	says "would take 100 messages away from news; nothing changed"
	[ "$(kept news | tail -n 1)" = 250 ]
	run -0 wsctl purge news
	says "100 messages taken away from news; 1 node heard it"
	wait_until 5 log_has spy 'WS1 p [0-9a-z]*-251 [0-9]*'
	[ "$(kept news)" = "" ]
	run -0 wsctl purge news
	says "0 messages taken away from news"
	echo later | wsctl publish news -
	[ "$(kept news | tail -n 1)" = later ]
	wsctl purge news --json -q | jq -e '.version == 1 and .ok and .channel == "news" and .messages == 1 and .heard == 1'
	wsctl publish last x
	run -0 wsctl purge last
	says "1 message taken away from last; no node listens"
}

@test "nothing kept yet: 0; a channel without history: 1; no channel: 64; redis away: 69" {
	run -0 wsctl purge news:none
	says "news:none has no history yet; nothing to do"
	[ "$(rcli exists chat.h:s:news:none chat.h:m:news:none)" = 0 ]
	run -1 wsctl purge plain
	says "channel plain keeps no history by its rule in $W/wscale.yaml"
	run -64 wsctl purge 'news:*'
	says "can't be a channel"
	wsctl publish news x
	rcli replicaof 127.0.0.1 1
	run -69 wsctl purge news
	says "READONLY"
	rcli replicaof no one
	rcli set chat.h:s:news:odd x
	run -1 wsctl purge news:odd
	says "WRONGTYPE"
	stop_redis
	run -69 wsctl purge news
	says "connection refused"
}
