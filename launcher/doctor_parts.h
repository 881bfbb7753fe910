/* SPDX-License-Identifier: MIT */
/* Between doctor.c and doctor_modes.c. */
#pragma once

#include "doctor.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_FAIL };

struct doctor_report {
	FILE *out;
	bool json;
	unsigned lines, failures;
};

/* One fact. */
void doctor_say(struct doctor_report *report, enum doctor_verdict verdict, const char *what,
		const char *fmt, ...) printf_like(4, 5) nonnull(1, 3, 4);

/* What single ways to run a program need beyond the sandbox itself; none of it is a failure. */
void doctor_examine_modes(struct doctor_report *report, const struct policy_env *env) nonnull(1, 2);
