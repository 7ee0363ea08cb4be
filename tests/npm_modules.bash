# npm_modules: the packages of tests/package.json, for the tests alone; nothing at run time needs them.

# npm_modules: NODE_PATH, by the lock file's checksums, in the build directory; once for all tests.
npm_modules() {
	local at=$BUILD/npm
	requires node npm
	export NODE_PATH=$at/node_modules
	mkdir -p "$at"
	(
		flock 9
		cmp -s "$ROOT/tests/package-lock.json" "$at/done" && exit
		cp "$ROOT/tests/package.json" "$ROOT/tests/package-lock.json" "$at"
		cd "$at" && npm ci --no-audit --no-fund && cp package-lock.json "$at/done"
	) 9>"$at/lock" >"$W/log/npm" 2>&1 && return
	[ "${CI:-}" = true ] || skip "npm can't fetch the packages"
	fail "npm can't fetch the packages"
}
