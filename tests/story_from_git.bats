#!/usr/bin/env bats
# The story: wscale.yaml is deployed from git. wsctl never writes it: it says which line to commit, and apply
# makes the rest so.

load helpers
. "$BATS_TEST_DIRNAME/box.bash"

@test "a YAML deployed from git" {
	box <<-'END'
		lan_cluster 2
		git init -q "$W/repo"
		sed 's/^  own: all.*/&\n  edit: false/' /etc/wscale/wscale.yaml >"$W/repo/wscale.yaml"
		rm /etc/wscale/wscale.yaml
		ln -s "$W/repo/wscale.yaml" /etc/wscale/wscale.yaml
		commit() { git -C "$W/repo" -c user.name=ops -c user.email=ops@example.org commit -qam "$1"; }
		git -C "$W/repo" add wscale.yaml
		commit 'the cluster'
		run 0 wsctl plan

		HOST=pi2 YAML=$W/pi4.yaml
		wsctl generate -q --node ws4 --listen 10.0.0.12:8084 >"$W/pi4.yaml"
		HOST=pi2 YAML=$W/pi4.yaml systemctl start wsnode@ws4
		unset HOST YAML
		until_so curl -sf 10.0.0.12:8084/healthz
		run 1 wsctl add ws4 10.0.0.12:8084
		says '^ws4: 10.0.0.12:8084$'
		says 'haproxy.edit is false: write the line "ws4: 10.0.0.12:8084" under nodes: where /etc/wscale/wscale.yaml comes from'
		[ -z "$(git -C "$W/repo" status --porcelain)" ]
		# At once, until the commit has gone its way.
		run 0 wsctl add ws4 10.0.0.12:8084 --runtime
		sed -i 's/^nodes:/&\n  ws4: 10.0.0.12:8084/' "$W/repo/wscale.yaml"
		commit 'ws4'
		run 0 wsctl apply
		run 0 wsctl status
		says '3/3 nodes serving'
		# And back: git revert, apply.
		git -C "$W/repo" -c user.name=ops -c user.email=ops@example.org revert --no-edit HEAD >/dev/null
		run 1 wsctl apply --rollback
		says 'haproxy.edit is false'
		run 0 wsctl apply --allow-remove
		run 0 wsctl status
		says '2/2 nodes serving'
		[ -z "$(git -C "$W/repo" status --porcelain)" ]
	END
}
