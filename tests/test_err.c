/* SPDX-License-Identifier: MIT */
/* Messages. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../shim/err.h"

Test(err, formats)
{
	struct sbx_err err;
	char buf[128];

	cr_expect_eq(err_set(&err, -EINVAL, "bad %s", "thing"), -EINVAL, "worth its code");
	cr_expect_eq(err_format(&err, buf, sizeof(buf)), 9);
	cr_expect_str_eq(buf, "bad thing");
	(void)err_at(&err, -EINVAL, "a.ini", 0, "bad");
	(void)err_format(&err, buf, sizeof(buf));
	cr_expect_str_eq(buf, "a.ini: bad");
	(void)err_at(&err, -EINVAL, "a.ini", 7, "bad");
	err_prefix(&err, "in %s", "[net]");
	(void)err_format(&err, buf, sizeof(buf));
	cr_expect_str_eq(buf, "a.ini:7: in [net]: bad");
	cr_expect_eq(err_format(&err, buf, 6), 5, "cut");
	cr_expect_str_eq(buf, "a.ini");
}

Test(err, long_messages_are_cut_visibly)
{
	char big[5000], buf[2000];
	struct sbx_err err;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)err_set(&err, -EINVAL, "%s", big);
	cr_expect_eq(strlen(err.msg), sizeof(err.msg) - 1);
	cr_expect_str_eq(err.msg + strlen(err.msg) - 3, "...");
	(void)err_format(&err, buf, sizeof(buf));
	cr_expect_str_eq(buf, err.msg);
}

/* What a hostile file says may be repeated, but must not drive the terminal nor forge a line. */
Test(err, control_characters_are_disarmed)
{
	struct sbx_err err;
	char buf[128];

	(void)err_set(&err, -EINVAL, "%s",
		      "a\x1b[2J\nsbx-preload: ok\r\x7f\t\xc2\x9b"
		      "b \xc3\xa4");
	(void)err_format(&err, buf, sizeof(buf));
	cr_expect_str_eq(buf, "a?[2J?sbx-preload: ok???\xc2?b \xc3\xa4");
}
