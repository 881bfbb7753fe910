/* SPDX-License-Identifier: MIT */
/* Between explain.c, which asks the filter's questions; explain_paths.c and explain_peers.c, which
 * ask Landlock's; and explain_say.c. */
#pragma once

#include "access.h"
#include "advice.h"
#include "audit.h"
#include "enclosure.h"
#include "explain.h"
#include "learn.h"
#include "reach.h"
#include "../shim/rule.h"

#define EXPLAIN_LINE_MAX  (PATH_MAX + 1024)
#define EXPLAIN_LINES_MAX 4096 /* distinct denials that are told one by one */
#define EXPLAIN_NAMES_MAX 256  /* abstract sockets and devices that are remembered */

struct explain {
	struct explain_request request;
	const struct policy *policy;
	struct advice advice;
	struct learn *learn;   /* owned; NULL: it explains */
	struct audit *audit;   /* owned; NULL: none */
	bool modelled;	       /* the three below are filled in … */
	bool unmodelled;       /* … or cannot be */
	struct reach granted;  /* by the policy */
	struct reach started;  /* for start-up beside it */
	struct reach lines;    /* what [unveil] lines would grant with all promises */
	uint64_t handled;      /* rights on files that the rulesets deny where they do not grant */
	uint8_t handled_ports; /* enum port_access */
	bool scoped;
	struct enclosure enclosure; /* not brief */
	bool starting;
	pid_t program;
	bool *watched; /* owned; by tag */
	struct arena said_arena;
	uint64_t *said; /* arena; hashes of what was told */
	size_t n_said, n_told;
	uint8_t *repeats;  /* owned; by tag: lines that differ in the path alone */
	bool stuck;	   /* nobody reads what we print */
	_Atomic bool over; /* what @request points to is gone: say no more */
	struct arena names_arena;
	char **devices; /* arena; opened in the sandbox, without the right to ioctl */
	size_t n_devices, cap_devices;
	char **abstract; /* arena; abstract sockets that the program bound */
	size_t n_abstract, cap_abstract;
	uint8_t *seen; /* owned; a bit for each process that made a call that we heard of */
	int file_dir;  /* owned */
	struct {
		pid_t tid; /* 0: nothing is held */
		const struct requirement *need;
		char line[EXPLAIN_LINE_MAX];
	} held; /* a denial that may turn out to be libc's own probing */
};

/* One call that is being looked at. */
struct denial {
	const struct seccomp_notif *notif;
	int listener;
	uint16_t tag;
	const struct row *row;
	const struct access_call *call; /* NULL: it names nothing of interest */
	const struct rule *rule;	/* of the policy, that decides; NULL: the promises do */
	bool permitted;			/* by the filter */
	bool held;			/* keep the line instead of printing it */
	bool alike;			/* the line is the same for other paths */
	struct target target;
};

/* Is this the first time that @key is asked about? No more than some thousand are remembered, all
 * others are not new. */
bool explain_is_new(struct explain *e, const char *key);
/* Print text as it is, unless that would take long. */
void explain_print(struct explain *e, const char *line);
/* on_violation = log, or a rule that says so */
bool explain_lets_through(const struct explain *e, const struct denial *denial);
/* Print the line about a denial, unless it was printed before. */
void explain_say(struct explain *e, struct denial *denial, const char *reason);
void explain_need_text(const struct explain *e, uint64_t promises, char *buf, size_t size);

/* Is there a model of what Landlock grants? It is made when it is first asked for, if need be. */
bool explain_model(struct explain *e);

/* The letters that grant these rights, and the promises without which the letters do not. */
uint8_t explain_letters(uint64_t rights);
uint64_t explain_promises(uint8_t letters, uint64_t rights);
/* From a real path to that of its directory; "/" stays. */
void explain_go_up(char *real) nonnull(1);
/* What the model grants. */
uint64_t explain_granted(const struct explain *e, const struct access_want *w);
/* Of promises that would all do: what the arguments suggest. */
uint64_t explain_preferred(const struct explain *e, struct denial *denial);
/* libc asks its cache daemon, copes, and looks into the files. */
bool explain_is_nscd_socket(const struct seccomp_notif *notif);

/* Does Landlock refuse the paths of this call? Then say so, and that @promises are missing, too.
 * Returns whether something was said. */
bool explain_paths(struct explain *e, struct denial *denial, uint64_t promises);
/* The same for connect(2) and bind(2), and for signals. */
void explain_address(struct explain *e, struct denial *denial);
void explain_signal(struct explain *e, struct denial *denial);
/* @pid is in the sandbox. */
void explain_seen(struct explain *e, pid_t pid);
