# terminal.bash: a terminal for the tests of what is drawn on one: tmux, with a shell in it.

# shellcheck shell=bash

pane() { tmux -S "$W/tmux" "$@"; }
# terminal [COLUMNS [LINES]]: a shell in a terminal of that size; its directory is $W.
terminal() {
	pane -f /dev/null new-session -d -x "${1:-80}" -y "${2:-24}" -c "$W" \
		env -u NO_COLOR PS1="ready> " LC_ALL=C.UTF-8 WSCALE_CONFIG="$W/wscale.yaml" PATH="$BUILD:$PATH" \
		bash --norc --noprofile </dev/null >/dev/null 3>&-
	pane display -p '#{pid}' >"$W/pid/tmux"
	wait_until 5 on_screen "ready>"
}
screen() { pane capture-pane -p; }
on_screen() { [[ $(screen) == *"$1"* ]]; }
not_on_screen() { [[ $(screen) != *"$1"* ]]; }
# row N: the screen's N-th line.
row() { screen | sed -n "$1p"; }
# shellcheck disable=SC2053 # a pattern
row_is() { [[ $(row "$1") == $2 ]]; }
# types TEXT: into the shell, and Enter. press KEY...: as tmux names them.
types() { pane send-keys -l "$1" && pane send-keys Enter; }
press() { pane send-keys "$@"; }
# resize COLUMNS LINES
resize() { pane resize-window -x "$1" -y "$2"; }
# Neither the other screen nor a hidden cursor is left, and the shell has its echo back.
restored() {
	wait_until 5 on_screen "ready>"
	[ "$(pane display -p '#{alternate_on} #{cursor_flag}')" = "0 1" ]
	types "stty -a | grep -cw -e '-echo' -e '-icanon' >stty"
	wait_until 5 test -s "$W/stty"
	[ "$(cat "$W/stty")" = 0 ]
	rm "$W/stty"
}
# The process of wsctl that has the keyboard.
foreground() { pgrep -P "$(pane display -p '#{pane_pid}')" -x wsctl; }
