/* SPDX-License-Identifier: MIT */
/* What a policy would have refused of a run, and runs written down and read back. Pure. */
#include <criterion/criterion.h>
#include <errno.h>

#include "guide_world.h"

TestSuite(guide_deny, .init = enter_scratch, .fini = leave_scratch, .timeout = 60);

/* ---- what would be denied ---- */

static const struct {
	const char *name, *policy;
	const char *calls[4], *reasons[4]; /* in this order, and no others */
} denials[] = {
	{"nothing",
	 "[sandbox]\npromises = stdio rpath wpath inet\n[unveil]\nr? = " DIR "\nrw? = " DIR
	 "/out\n[net]\nconnect_tcp = 443\n",
	 {NULL},
	 {NULL}},
	{"a promise",
	 "[sandbox]\npromises = stdio rpath wpath\n[unveil]\nrw? = " DIR
	 "\n[net]\nconnect_tcp = 443\n",
	 {"socket(AF_INET, SOCK_STREAM)"},
	 {"needs promise \"inet\""}},
	{"the promise of a letter",
	 "[sandbox]\npromises = stdio rpath inet\n[unveil]\nrw? = " DIR
	 "\n[net]\nconnect_tcp = 443\n",
	 {"openat(\"" DIR "/out/a\", O_WRONLY)"},
	 {"needs promise \"wpath\""}},
	{"paths",
	 "[sandbox]\npromises = stdio rpath wpath inet\n[net]\nconnect_tcp = 443\n",
	 {"openat(\"" DIR "/in.txt\", O_RDONLY)", "openat(\"" DIR "/out/a\", O_WRONLY)"},
	 {"not unveiled: r = " DIR "/in.txt", "not unveiled: w = " DIR "/out/a"}},
	{"a letter",
	 "[sandbox]\npromises = stdio rpath wpath inet\n[unveil]\nr? = " DIR
	 "\n[net]\nconnect_tcp = 443\n",
	 {"openat(\"" DIR "/out/a\", O_WRONLY)"},
	 {"not unveiled: w = " DIR "/out/a"}},
	{"a port",
	 "[sandbox]\npromises = stdio rpath wpath inet\n[unveil]\nrw? = " DIR
	 "\n[net]\nconnect_tcp = 80\n",
	 {"connect(3, AF_INET 192.0.2.1:443)"},
	 {"port 443 is not in connect_tcp"}},
	{"without unveil",
	 "[sandbox]\npromises = stdio rpath wpath inet\nunveil = off\n",
	 {NULL},
	 {NULL}},
	{"a rule, of the calls it is about",
	 "[sandbox]\npromises = stdio rpath wpath inet\nunveil = off\n[syscalls]\n"
	 "deny = write(arg0 == 2)\n",
	 {"write(2, 9)"},
	 {"by the rule \"deny = write(arg0 == 2)\""}},
	{"a rule that allows",
	 "[sandbox]\npromises = stdio rpath wpath\nunveil = off\n[syscalls]\nallow = "
	 "socket(arg0 == AF_INET)\n",
	 {NULL},
	 {NULL}},
	{"a rule that only reports",
	 "[sandbox]\npromises = stdio rpath wpath inet\nunveil = off\n[syscalls]\ndeny = write -> "
	 "log\n",
	 {NULL},
	 {NULL}},
	{"without stdio",
	 "[sandbox]\npromises = rpath wpath inet\nunveil = off\n",
	 {"write(1, 5)"},
	 {"needs promise \"stdio\""}},
};

Test(guide_deny, denials)
{
	for (size_t i = 0; i < ARRAY_SIZE(denials); i++) {
		const char *name = denials[i].name;
		struct guide_denials found;
		struct sbx_err err = {0};
		struct policy policy;
		struct talk t;
		size_t n = 0;

		talk_begin(&t);
		cr_assert_eq(guide_prepare(&t.guide, &err), 0);
		cr_assert_eq(guide_read_policy(&t.guide, denials[i].policy, &policy, &err), 0,
			     "%s: %s", name, err.msg);
		guide_denials_find(&t.guide, &policy, &found);
		while (n < 4 && denials[i].calls[n])
			n++;
		cr_expect_eq(found.n, n, "%s: %zu, first %s: %s", name, found.n,
			     found.n ? found.items[0].call : "",
			     found.n ? found.items[0].reason : "");
		for (size_t j = 0; j < n && j < found.n; j++) {
			cr_expect_str_eq(found.items[j].call, denials[i].calls[j], "%s", name);
			cr_expect_str_eq(found.items[j].reason, denials[i].reasons[j], "%s", name);
		}
		guide_denials_done(&found);
		policy_done(&policy);
		talk_done(&t);
	}
}

/* ---- a run, written down and read back ---- */

Test(guide_deny, nothing_recorded)
{
	static const char part[] = "1cer-xbs\0\0\0\0\0\0\0\x7f";
	const size_t sizes[] = {0, 4, 8, sizeof(part) - 1};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		FILE *f = tmpfile();
		struct record_run run;
		struct sbx_err err = {0};

		cr_assert(f && fwrite(part, 1, sizes[i], f) == sizes[i] && fflush(f) == 0);
		cr_expect_eq(record_read(fileno(f), &run, &err), -ENODATA, "%zu bytes", sizes[i]);
		(void)fclose(f);
	}
}

/* Facts and calls as they were, and which call was before which. */
Test(guide_deny, recorded)
{
	FILE *f = tmpfile();
	struct sbx_err err = {0};
	struct record *record;
	struct record_run run;
	struct talk t;
	long size;

	talk_begin(&t);
	cr_assert(f);
	cr_assert_eq(record_new(fileno(f), &record, &err), 0);
	cr_assert(arena_grow(&t.guide.run.facts.arena, (void **)&t.guide.run.facts.notes,
			     &t.guide.run.facts.cap_notes, 0, sizeof(struct learn_note)) == 0);
	t.guide.run.facts.notes[t.guide.run.facts.n_notes++].text = "a note";
	t.guide.run.facts.scope = why(&t.guide, "kill(1)");
	record_end(record, &t.guide.run.facts);
	record_free(record);
	cr_assert_eq(record_read(fileno(f), &run, &err), 0, "%s", err.msg);
	cr_expect_eq(run.facts.n_rows, 3);
	cr_expect_eq(run.facts.n_paths, 2);
	cr_expect_eq(run.facts.n_ports, 1);
	cr_expect_str_eq(run.facts.notes[0].text, "a note");
	cr_expect_str_eq(run.facts.scope.text, "kill(1)");
	for (size_t i = 0; i < run.facts.n_rows; i++) {
		cr_expect_eq(run.facts.rows[i].tag, t.guide.run.facts.rows[i].tag);
		cr_expect_str_eq(run.facts.rows[i].why.text, t.guide.run.facts.rows[i].why.text);
		cr_expect(
			!i || learn_why_before(&run.facts.rows[i - 1].why, &run.facts.rows[i].why),
			"row %zu", i);
	}
	cr_expect(learn_why_before(&run.facts.rows[2].why, &run.facts.paths[0].why[0]));
	cr_expect(learn_why_before(&run.facts.paths[1].why[3], &run.facts.scope));
	cr_expect_eq(run.facts.paths[1].rights, FS_WRITE_FILE);
	cr_expect_eq(run.facts.ports[0].port, 443);
	record_run_done(&run);
	/* Each of its beginnings alone is nothing. */
	size = lseek(fileno(f), 0, SEEK_END);
	for (long cut = size - 1; cut >= 0; cut -= 3) {
		cr_assert_eq(ftruncate(fileno(f), cut), 0);
		cr_expect_eq(record_read(fileno(f), &run, &err), -ENODATA, "%ld bytes", cut);
	}
	(void)fclose(f);
	talk_done(&t);
}
