/* page: the chat page, taken into the binary as it is. */
	.section .rodata
	.global page_html, page_html_len
	.type page_html, %object
	.type page_html_len, %object
page_html:
	.incbin "node/page/chat.html"
page_html_end:
	.size page_html, page_html_end - page_html
	.balign 8
page_html_len:
#if __SIZEOF_SIZE_T__ == 8
	.quad page_html_end - page_html
#else
	.long page_html_end - page_html
#endif
	.size page_html_len, __SIZEOF_SIZE_T__
	.section .note.GNU-stack, "", %progbits
