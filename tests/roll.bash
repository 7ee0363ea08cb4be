# roll.bash: a command that restarts a node, for the tests of wsctl roll, on top of wsctl.bash.

# shellcheck shell=bash

# restart NAME: what the host's `systemctl restart wsnode@NAME` does, as a program.
setup() {
	fixture
	cat >restart <<-END
		#!/bin/bash
		echo "restarting \$1"
		p=\$(cat "$W/pid/\$1")
		kill -TERM "\$p"
		while kill -0 "\$p" 2>/dev/null && [[ \$(sed 's/.*) //' /proc/\$p/stat) == [^ZX]* ]]; do sleep 0.05; done
		setsid "$BUILD/wsnode" -c "$W/wscale.yaml" "\$1" </dev/null >>"$W/log/\$1" 2>&1 &
		echo \$! >"$W/pid/\$1"
		echo "\$1" >>"$W/restarted"
	END
	chmod +x restart
}
start_id() { health "$1" .start_id; }
restarted() { paste -sd' ' restarted 2>/dev/null || :; }
# Everybody serves, and nobody was cut.
all_well() {
	local n
	for n in $NODES; do server_is "$n" UP; done
	[ "$(closed_with 1006)" = 0 ]
}
