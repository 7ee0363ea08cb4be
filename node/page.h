/* page: the chat page (page/chat.html) as it stands in the binary. */
#ifndef WSNODE_PAGE_H
#define WSNODE_PAGE_H

#include <stddef.h>

extern const char page_html[];
extern const size_t page_html_len;

#endif
