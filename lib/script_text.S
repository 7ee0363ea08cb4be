/* script_text: the Lua scripts, taken into the binary as they are, each with a NUL behind it. */
	.section .rodata
	.macro script name, file
	.global script_\name\()_lua, script_\name\()_lua_len
	.type script_\name\()_lua, %object
	.type script_\name\()_lua_len, %object
script_\name\()_lua:
	.incbin "\file"
script_\name\()_lua_end:
	.byte 0
	.size script_\name\()_lua, . - script_\name\()_lua
	.balign 8
script_\name\()_lua_len:
#if __SIZEOF_SIZE_T__ == 8
	.quad script_\name\()_lua_end - script_\name\()_lua
#else
	.long script_\name\()_lua_end - script_\name\()_lua
#endif
	.size script_\name\()_lua_len, __SIZEOF_SIZE_T__
	.endm
	script publish, "lib/lua/publish.lua"
	script fill, "lib/lua/fill.lua"
	script check, "lib/lua/check.lua"
	script purge, "lib/lua/purge.lua"
	.section .note.GNU-stack, "", %progbits
