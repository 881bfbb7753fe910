/* SPDX-License-Identifier: MIT */
/* Live: the work of every program that we ship a policy for, learned from: the same policy twice,
 * under which the same work is done with nothing denied. As root and as an ordinary user by turns,
 * since each piece of work runs four times. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "live_work.h"

#define MANY 64

TestSuite(learn_real, .timeout = 240, .fini = live_cleanup);

static const char *const nothing[] = {NULL};
static const char *const learn_one[] = {"{stage}/sbx-preload", "--learn=" WORK_FILES_DIR "/one.ini",
					NULL};
static const char *const learn_two[] = {"{stage}/sbx-preload", "--learn=" WORK_FILES_DIR "/two.ini",
					NULL};
static const char *const explain_one[] = {"{stage}/sbx-preload", "-e", "-P",
					  WORK_FILES_DIR "/one.ini", NULL};
static const char *const under_one[] = {"{stage}/sbx-preload", "-P", WORK_FILES_DIR "/one.ini",
					NULL};

static void forget(struct live *live)
{
	char *one = live_expand(live, WORK_FILES_DIR "/one.ini");
	char *two = live_expand(live, WORK_FILES_DIR "/two.ini");

	(void)unlink(one);
	(void)unlink(two);
	free(one);
	free(two);
}

/* The policy that was learned; heap. NULL, and a failed expectation, unless it is there twice. */
static char *learned_twice(struct live *live, const char *name)
{
	char *one = live_read(live, WORK_FILES_DIR "/one.ini");
	char *two = live_read(live, WORK_FILES_DIR "/two.ini");

	cr_expect(one && two, "%s, uid %u: no policy", name, live->uid);
	if (one && two)
		cr_expect_str_eq(one, two, "%s, uid %u: not the same twice:\n%s\n%s", name,
				 live->uid, one, two);
	free(two);
	return one;
}

/* So libc asks its cache daemon, which nobody needs: learning leaves it out. */
#define NSCD_SOCKET "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK)"

/* Is @part in this line? */
static bool names(const char *line, const char *part)
{
	return memmem(line, strcspn(line, "\n"), part, strlen(part));
}

/* Landlock refuses without a word, but not under --explain: nothing may be denied but what the
 * policy says that it leaves out, since no policy may permit it. */
static void expect_no_denial(struct live *live, const char *name, const char *printed,
			     const char *policy)
{
	bool left_out = strstr(policy, "\n; left out: ");

	for (const char *line = printed; (line = strstr(line, ": denied ")); line++)
		cr_expect((left_out && names(line, "; and must not be: ")) ||
				  names(line, "denied " NSCD_SOCKET ": needs promise \"unix\""),
			  "%s, uid %u: denied by what was learned: %s\n%s", name, live->uid,
			  printed, policy);
}

/* Bare, watched or under its own policy: the same comes of it. */
static void expect_same(struct live *live, const struct live_case *c, const char *how,
			const struct live_result *bare, const struct live_result *result,
			const char *policy)
{
	/* A terminal echoes what is typed before or after the program has set it up. */
	bool same = c->varies || c->tty || strcmp(bare->out, result->out) == 0;

	cr_expect(result->status == 0 && live_case_done(live, c, result) && same,
		  "%s, uid %u, %s: exit %d\nout: %s\nerr: %s\nbare: %s\n%s", c->name, live->uid,
		  how, result->status, result->out, result->err, bare->out, policy ? policy : "");
	cr_expect(!strstr(result->out, "sbx-preload:") && !strstr(result->err, "sbx-preload:"),
		  "%s, uid %u, %s: the sandbox complains: %s%s\n%s", c->name, live->uid, how,
		  result->out, result->err, policy ? policy : "");
}

static void learns(struct live *live, const struct live_case *c)
{
	struct live_result bare, result;
	char *policy;

	forget(live);
	bare = live_case_run(live, c, NULL);
	expect_same(live, c, "bare", &bare, &bare, NULL);
	result = live_case_run(live, c, learn_one);
	expect_same(live, c, "learning", &bare, &result, NULL);
	live_result_done(&result);
	result = live_case_run(live, c, learn_two);
	expect_same(live, c, "learning again", &bare, &result, NULL);
	live_result_done(&result);
	policy = learned_twice(live, c->name);
	if (policy) {
		result = live_case_run(live, c, under_one);
		expect_same(live, c, "under what was learned", &bare, &result, policy);
		live_result_done(&result);
		result = live_case_run(live, c, explain_one);
		expect_no_denial(live, c->name, c->tty ? result.out : result.err, policy);
		live_result_done(&result);
	}
	free(policy);
	live_result_done(&bare);
}

static void learns_serving(struct live *live, const struct live_work *work)
{
	char *policy, *log;

	live_serve(live, work, nothing); /* what it makes once is there from here on */
	live_serve(live, work, learn_one);
	live_serve(live, work, learn_two);
	policy = learned_twice(live, work->name);
	if (!policy)
		return;
	live_serve(live, work, explain_one);
	log = live_read(live, "{root}/server-0.log");
	cr_assert(log);
	expect_no_denial(live, work->name, log, policy);
	free(log);
	live_serve(live, work, under_one);
	log = live_read(live, "{root}/server-0.log");
	cr_expect(log && !strstr(log, "sbx-preload:"), "%s, uid %u: the sandbox complains: %s\n%s",
		  work->name, live->uid, log ? log : "no log", policy);
	free(log);
	free(policy);
}

ParameterizedTestParameters(learn_real, round_trips)
{
	static size_t indices[MANY];
	size_t n = 0;

	while (live_work_at(n)) {
		cr_assert(n < MANY);
		indices[n] = n;
		n++;
	}
	return cr_make_param_array(size_t, indices, n);
}

ParameterizedTest(size_t *index, learn_real, round_trips)
{
	const struct live_work *work = live_work_at(*index);
	uid_t users[2];
	size_t n = live_users(users);
	struct live live;

	if (!live_work_begin(&live, work, users[*index % n]))
		return;
	if (work->argv)
		learns_serving(&live, work);
	for (size_t i = 0; i < work->count; i++)
		learns(&live, &work->cases[i]);
	live_done(&live);
}
