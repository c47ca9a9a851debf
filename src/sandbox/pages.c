/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages.c - HTML to look at. */
#include <stdio.h>

#include "sandbox.h"

void sb_pages_route(struct sb_ask *a, struct sb_reply *r)
{
	(void)a;
	r->status = 404;
	r->type = "text/html;charset=UTF-8";
	buf_c(&r->body, "<!DOCTYPE html><title>Not found</title>Not found\n");
}
