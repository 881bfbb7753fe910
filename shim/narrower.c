/* SPDX-License-Identifier: MIT */
#include "narrower.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PERM_SETS (1U << 4)

/* The lines of one path, on the way down to the line that is looked at. */
struct group {
	const struct narrower_item *items;
	size_t count;
	uint8_t perms; /* of all together */
};

bool path_covers(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	if (len == 1) /* "/" */
		return true;
	return strncmp(dir, path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* Byte order, but a slash sorts before all else, so that what is beneath a directory follows it at
 * once ("/a/b" before
 * "/a-b"). */
static int path_compare(const char *a, const char *b)
{
	int x, y;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	x = *a == '/' ? 1 : *a ? (unsigned char)*a + 1 : 0;
	y = *b == '/' ? 1 : *b ? (unsigned char)*b + 1 : 0;
	return x - y;
}

/* Merge the sorted runs [0, mid) and [mid, count) of @from into @to. Equal paths keep their order.
 */
static void merge(const struct narrower_item *from, size_t mid, size_t count,
		  struct narrower_item *to)
{
	size_t left = 0, right = mid;

	for (size_t i = 0; i < count; i++) {
		bool take_left =
			right == count ||
			(left < mid && path_compare(from[left].real, from[right].real) <= 0);

		to[i] = from[take_left ? left++ : right++];
	}
}

/* Merge sort from the bottom up: qsort(3) of glibc may allocate. */
static int sort(struct narrower_item *items, size_t count, struct arena *arena)
{
	struct narrower_item *from = items, *to;

	to = arena_alloc(arena, count * sizeof(*to));
	if (!to)
		return -ENOMEM;
	for (size_t width = 1; width < count; width *= 2) {
		struct narrower_item *swap = from;

		for (size_t i = 0; i < count; i += 2 * width) {
			size_t n = count - i < 2 * width ? count - i : 2 * width;

			merge(from + i, n < width ? n : width, n, to + i);
		}
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
	return 0;
}

static int refuse(const struct unveil_line *narrow, const struct unveil_line *wide,
		  struct sbx_err *err)
{
	char narrow_perms[5], wide_perms[5], sum[5], place[64] = "";

	perm_format(narrow->perms, narrow_perms);
	perm_format(wide->perms, wide_perms);
	perm_format(narrow->perms | wide->perms, sum);
	if (wide->from.line)
		(void)snprintf(place, sizeof(place), ":%u", wide->from.line);
	if ((narrow->perms | wide->perms) == wide->perms)
		return err_at(err, -EINVAL, narrow->from.file, narrow->from.line,
			      "%s = %s is narrower than %s = %s (%s%s) and would do nothing: "
			      "Landlock adds rights up",
			      narrow_perms, narrow->path, wide_perms, wide->path, wide->from.file,
			      place);
	return err_at(err, -EINVAL, narrow->from.file, narrow->from.line,
		      "%s = %s is narrower than %s = %s (%s%s), but Landlock adds rights up: "
		      "it would be %s; write so, or narrow the other line",
		      narrow_perms, narrow->path, wide_perms, wide->path, wide->from.file, place,
		      sum);
}

/* Lines for the very same path: one whose letters another has, and more, does nothing. */
static int check_same(const struct group *group, struct sbx_err *err)
{
	const struct unveil_line *with[PERM_SETS] = {NULL};

	for (size_t i = 0; i < group->count; i++) {
		const struct unveil_line *line = group->items[i].line;

		with[line->perms % PERM_SETS] = line;
	}
	for (unsigned narrow = 0; narrow < PERM_SETS; narrow++)
		for (unsigned wide = narrow + 1; wide < PERM_SETS; wide++)
			if (with[narrow] && with[wide] && !(narrow & ~wide))
				return refuse(with[narrow], with[wide], err);
	return 0;
}

/* @above's letters must all be in every line beneath it. (What is above @above need not be asked:
 * @above has it all.) */
static int check_beneath(const struct group *group, const struct group *above, struct sbx_err *err)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct unveil_line *line = group->items[i].line;

		if (!(above->perms & ~line->perms))
			continue;
		for (size_t j = 0; j < above->count; j++)
			if (above->items[j].line->perms & ~line->perms)
				return refuse(line, above->items[j].line, err);
	}
	return 0;
}

/* The lines at @items that share its path. */
static struct group group_at(const struct narrower_item *items, size_t count)
{
	struct group group = {.items = items};

	while (group.count < count && strcmp(items[0].real, items[group.count].real) == 0)
		group.perms |= items[group.count++].line->perms;
	return group;
}

int narrower_check(struct narrower_item *items, size_t count, struct arena *arena,
		   struct sbx_err *err)
{
	struct group *above;
	size_t depth = 0;

	if (count < 2)
		return 0;
	above = arena_alloc(arena, count * sizeof(*above));
	if (!above || sort(items, count, arena) < 0)
		return err_set(err, -ENOMEM, "no memory for %zu [unveil] lines", count);
	for (size_t i = 0; i < count; i += above[depth - 1].count) {
		struct group group = group_at(items + i, count - i);
		int r = check_same(&group, err);

		while (depth && !path_covers(above[depth - 1].items[0].real, items[i].real))
			depth--;
		if (r == 0 && depth)
			r = check_beneath(&group, &above[depth - 1], err);
		if (r < 0)
			return r;
		above[depth++] = group;
	}
	return 0;
}
