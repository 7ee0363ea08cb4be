#!/usr/bin/env bats
# Goal: what the README and the guide show works: each command block is typed by a test, as it stands there,
# and says what is printed below it. Here those that need no machine of their own; the others are
# tests/platforms/boot.bats's.
# alone

load helpers
. "$BATS_TEST_DIRNAME/wsctl.bash"
. "$BATS_TEST_DIRNAME/platforms/boot.bash"
