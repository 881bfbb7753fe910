# SPDX-License-Identifier: MIT
#
#   make demo     set up, build, and show the main job on real programs
#   make check    set up, build, and pass all tests
#   make          build/sbx-preload and build/libsbx-preload.so, which work from there
#
# Others: bench, install, uninstall, lint, format, format-check, check-symbols, check-aarch64, clean.

VERSION    := 0.1.0
BUILD      ?= build
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib/sbx-preload
MANDIR     ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
HOSTCC     ?= cc
CFLAGS     ?= -O2 -g
# make V=1 shows the commands.
Q   := $(if $(V),,@)
SAY  = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %-5s %s\n')
# Anything for one run: WERROR=-Werror, SANITIZE='-fsanitize=address,undefined'
WERROR     ?=
SANITIZE   ?=
# The launcher starts faster without a loader of its own. Sanitizers cannot be linked statically.
LAUNCHER_LDFLAGS ?= $(if $(SANITIZE),,-static)

MACHINE := $(shell $(CC) -dumpmachine)
ARCH    := $(firstword $(subst -, ,$(MACHINE)))
HOSTARCH := $(firstword $(subst -, ,$(shell $(HOSTCC) -dumpmachine)))
# libseccomp can build for x86-64's younger calls only where it is native.
MASTER_ARCHES := $(if $(filter x86_64,$(HOSTARCH)),x86_64 aarch64,$(HOSTARCH))
SECCOMP_VERSION := $(shell pkg-config --modversion libseccomp 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
	-Wconversion -Wno-sign-conversion -Wpointer-arith -Wwrite-strings -Wundef
DEFINES  := -D_GNU_SOURCE -DSBX_VERSION='"$(VERSION)"' -DSBX_LIBDIR='"$(LIBDIR)"' -DSBX_BINDIR='"$(BINDIR)"' \
	-DSBX_SYSCONFDIR='"$(SYSCONFDIR)"' -DSBX_LIBSECCOMP_VERSION='"$(SECCOMP_VERSION)"'
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) $(WERROR) $(SANITIZE) $(DEFINES) -fPIC \
	-fvisibility=hidden -fstack-protector-strong -ffunction-sections -fdata-sections -MMD -MP
HOST_CFLAGS = -std=gnu11 -O1 -g $(WARNINGS) $(WERROR) $(DEFINES) -MMD -MP

CORE := arena err path spell promise policy policy_file policy_find policy_select protect narrower \
	landlock unveil unveil_plan filter handoff sandbox beside \
	policy_rules rule rule_calls rule_check rule_compile rule_layer rule_match rule_names decode_names decode_ioctls
SHIM := constructor report libseccomp_load
LAUNCHER := main entry options start program libraries ldcache script elf list doctor doctor_modes replace libseccomp_linked \
	supervise answer attend target access reach implied enclosure report \
	explain explain_paths explain_peers explain_say advice audit audit_decide audit_count \
	learn learn_facts learn_file learn_merge learn_paths learn_policy record trace trace_only trace_print \
	guide guide_calls guide_deny guide_io guide_paths guide_ports guide_promises guide_rules guide_save guide_text \
	api api_answer api_call api_client api_dialog api_line api_process api_socket api_task \
	export export_bpf export_calls export_json export_notes export_shapes export_systemd export_text \
	import import_fit import_json import_policy import_read import_rule
# Needed by the launcher and the tests only: they would bring pointers (relocations) and stdio into the shim.
LAUNCHER_SHIM := table missing policy_print rule_format line decode decode_value decode_address decode_calls
GENERATOR := gen-master table promise spell err

CORE_OBJS     := $(CORE:%=$(BUILD)/shim/%.o) $(BUILD)/gen/master-$(ARCH).o
SHIM_OBJS     := $(SHIM:%=$(BUILD)/shim/%.o)
LAUNCHER_LIB_OBJS := $(LAUNCHER_SHIM:%=$(BUILD)/shim/%.o) \
	$(patsubst %,$(BUILD)/launcher/%.o,$(filter-out main entry,$(LAUNCHER)))
LAUNCHER_OBJS := $(LAUNCHER_LIB_OBJS) $(BUILD)/launcher/main.o $(BUILD)/launcher/entry.o

TARGETS := $(BUILD)/sbx-preload $(BUILD)/libsbx-preload.so
MAN     := $(BUILD)/sbx-preload.1 $(BUILD)/sbx-preload.ini.5

# A cross compiler without libinih for its machine can compile everything, but link nothing.
ifeq ($(shell $(CC) -print-file-name=libinih.a),libinih.a)
all: objects $(MAN)
	@echo "$(CC) finds no libinih.a for $(MACHINE): compiled, not linked (install libinih-dev for it)" >&2
else
all: $(TARGETS) $(MAN)
endif

# ---- the product -------------------------------------------------------------------------------------------------

$(BUILD)/sbx-preload: $(LAUNCHER_OBJS) $(CORE_OBJS)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) $(LAUNCHER_LDFLAGS) -Wl,-e,sbx_entry -Wl,--gc-sections -o $@ $^ -l:libinih.a -l:libseccomp.a -l:libjansson.a

# initfirst: before all other constructors. The version script and --exclude-libs: export nothing. Never sanitized.
$(BUILD)/libsbx-preload.so: $(SHIM_OBJS) $(CORE_OBJS) shim/shim.map
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libsbx-preload.so -Wl,-z,initfirst -Wl,-z,defs \
		-Wl,-z,relro -Wl,-z,now -Wl,--version-script=shim/shim.map -Wl,--exclude-libs,ALL \
		-Wl,--as-needed -Wl,--gc-sections -o $@ $(SHIM_OBJS) $(CORE_OBJS) -l:libinih.a

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# ---- the master filter: libseccomp compiles the table once, here -----------------------------------------------------

$(BUILD)/host/%.o: shim/%.c
	@mkdir -p $(@D)
	$(SAY) HOST $@
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -c -o $@ $<

$(BUILD)/host/gen-master: $(GENERATOR:%=$(BUILD)/host/%.o)
	$(SAY) HOST $@
	$(Q)$(HOSTCC) -o $@ $^ -lseccomp

$(MASTER_ARCHES:%=$(BUILD)/gen/master-%.c): $(BUILD)/gen/master-%.c: $(BUILD)/host/gen-master
	@mkdir -p $(@D)
	$(SAY) GEN $@
	$(Q)$< $* $@

$(MASTER_ARCHES:%=$(BUILD)/gen/master-%.o): %.o: %.c
	$(SAY) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -Ishim -c -o $@ $<

.SECONDARY:

# ---- man pages: the promise table is put in from the program itself ---------------------------------------------------

MAN_SED = -e 's|@VERSION@|$(VERSION)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	-e 's|@BINDIR@|$(BINDIR)|g'

$(BUILD)/sbx-preload.1: launcher/sbx-preload.1.in Makefile
	@mkdir -p $(@D)
	$(SAY) MAN $@
	$(Q)sed $(MAN_SED) $< > $@

$(BUILD)/sbx-preload.ini.5: launcher/sbx-preload.ini.5.in $(BUILD)/host/list-man Makefile
	$(SAY) MAN $@
	$(Q)$(BUILD)/host/list-man > $@.promises
	$(Q)sed $(MAN_SED) -e '/@PROMISES@/{' -e 'r $@.promises' -e 'd' -e '}' $< > $@
	@rm -f $@.promises

# Runs where we build, not where the product will run.
$(BUILD)/host/%.o: launcher/%.c
	@mkdir -p $(@D)
	$(SAY) HOST $@
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -c -o $@ $<

$(BUILD)/host/list-man: $(patsubst %,$(BUILD)/host/%.o,list-man list table promise policy spell err arena)
	$(SAY) HOST $@
	$(Q)$(HOSTCC) -o $@ $^

# ---- tests -----------------------------------------------------------------------------------------------------------

# Need a kernel that sandboxes, real programs, or both; they run the built product. The others are pure.
LIVE_TESTS := cost api api_rude interactive export_live learn_lines learn_real learn_shipped audit explain enclosure trace watch_odd learn golden golden_rights report report_odd libraries landlock unveil failclosed refusals hostile faults after way2 cli doctor man real_files real_net real_langs \
	real_servers syscalls
UNIT_TESTS := $(filter-out $(LIVE_TESTS),$(patsubst tests/test_%.c,%,$(sort $(wildcard tests/test_*.c))))
TEST_LIBS  := -lcriterion -lseccomp -l:libinih.a -l:libjansson.a
TEST_TOOLS := $(BUILD)/tests/interp.o $(BUILD)/tests/live.o
TEST_CORE   = $(CORE_OBJS) $(LAUNCHER_LIB_OBJS) $(filter-out $(CORE_OBJS),$(MASTER_ARCHES:%=$(BUILD)/gen/master-%.o))

$(BUILD)/tests/unit: $(UNIT_TESTS:%=$(BUILD)/tests/test_%.o) $(TEST_TOOLS) $(TEST_CORE)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(BUILD)/tests/live: $(LIVE_TESTS:%=$(BUILD)/tests/test_%.o) $(TEST_TOOLS) $(TEST_CORE)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(TEST_LIBS)

# Criterion: one worker a test, two at a time; the closing "Synthesis" line counts.
RUN_TESTS = --jobs 2 --timeout 120

demo:
	@tests/setup.sh demo
	@$(MAKE) --no-print-directory -s all
	@SBX_BUILD=$(abspath $(BUILD)) tests/demo.sh

check:
	@tests/setup.sh check
	@$(MAKE) --no-print-directory check-unit check-sanitized check-symbols check-live

check-unit: $(BUILD)/tests/unit
	$(BUILD)/tests/unit $(RUN_TESTS)

# The launcher's and the policy code's tests once more, under ASan and UBSan.
check-sanitized:
	@$(MAKE) --no-print-directory check-unit BUILD=$(BUILD)/sanitized \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' CFLAGS='-O1 -g'

check-live: $(BUILD)/tests/live $(TARGETS) $(MAN) probes
	SBX_BUILD=$(abspath $(BUILD)) SBX_PROBES=$(abspath $(BUILD)/probes) SBX_CONF=$(abspath conf) \
		$(BUILD)/tests/live $(RUN_TESTS)

# What the shim shows to the program (nothing) and takes from its libc (a short list).
check-symbols: $(BUILD)/libsbx-preload.so
	@exported=$$(nm -D --defined-only $< | awk '{ print $$NF }'); \
	if [ -n "$$exported" ]; then echo "the shim exports: $$exported" >&2; exit 1; fi
	@nm -D --undefined-only $< | awk '{ sub(/@.*/, "", $$NF); print $$NF }' | LC_ALL=C sort -u \
		> $(BUILD)/imports; \
	grep -v '^#' shim/imports.txt | LC_ALL=C sort -u | LC_ALL=C comm -13 - $(BUILD)/imports > $(BUILD)/imports.new; \
	if [ -s $(BUILD)/imports.new ]; then \
		echo "the shim imports what shim/imports.txt does not list:" >&2; cat $(BUILD)/imports.new >&2; exit 1; fi
	@echo "check-symbols: nothing exported, $$(wc -l < $(BUILD)/imports) imports, all listed"

# Everything for aarch64; linked too when the libraries for it are there.
check-aarch64:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/aarch64 CC=aarch64-linux-gnu-gcc WERROR=-Werror objects

objects: $(LAUNCHER_OBJS) $(CORE_OBJS) $(SHIM_OBJS)

# Programs that play the stranger, built in every way that a loader can meet.
PROBE_CFLAGS := -std=gnu11 -O1 -Wall -Wextra
PROBE_DIR    := $(BUILD)/probes
PROBES := aftermath confined denials denied confined-static confined-static-pie confined-musl confined-musl-static dummy.so early.so \
	$(if $(filter x86_64,$(ARCH)),confined-m32)

probes: $(PROBES:%=$(PROBE_DIR)/%)

$(PROBE_DIR)/%: tests/probes/%.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -o $@ $<
$(PROBE_DIR)/confined-static: tests/probes/confined.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -static -o $@ $<
$(PROBE_DIR)/confined-static-pie: tests/probes/confined.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -static-pie -o $@ $<
$(PROBE_DIR)/confined-musl: tests/probes/confined.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)musl-gcc $(PROBE_CFLAGS) -o $@ $<
$(PROBE_DIR)/confined-musl-static: tests/probes/confined.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)musl-gcc $(PROBE_CFLAGS) -static -o $@ $<
$(PROBE_DIR)/confined-m32: tests/probes/confined-m32.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -m32 -nostdlib -static -o $@ $<
$(PROBE_DIR)/early.so: tests/probes/early.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -shared -fPIC -Wl,-z,initfirst -o $@ $< -lpthread
$(PROBE_DIR)/%.so: tests/probes/%.c
	@mkdir -p $(@D)
	$(SAY) PROBE $@
	$(Q)$(CC) $(PROBE_CFLAGS) -shared -fPIC -o $@ $<

# ---- bench: times are for people; nothing here fails because a machine is slow ------------------------------------------

$(BUILD)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(SAY) BENCH $@
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) $(WERROR) -D_GNU_SOURCE -o $@ $<

bench: $(BUILD)/bench/start $(BUILD)/bench/watch $(TARGETS)
	@$(BUILD)/bench/start $(abspath $(BUILD))
	@$(BUILD)/bench/watch -j $(BUILD)/bench/watch.json $(abspath $(BUILD))

# ---- style -----------------------------------------------------------------------------------------------------------

SOURCES := $(wildcard shim/*.[ch] launcher/*.[ch] tests/*.[ch] tests/probes/*.c bench/*.c)
LINT_SOURCES := $(filter-out tests/fuzz_%,$(filter %.c,$(SOURCES)))

lint: export TIDY_DEFINES := $(subst ',,$(DEFINES))
lint:
	@tests/setup.sh lint
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/lint-gcc CC=gcc WERROR=-Werror all $(BUILD)/lint-gcc/tests/unit \
		$(BUILD)/lint-gcc/tests/live > /dev/null
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/lint-clang CC=clang WERROR=-Werror all \
		$(BUILD)/lint-clang/tests/unit $(BUILD)/lint-clang/tests/live > /dev/null
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
		-D__x86_64__ -D__linux__ -D_GNU_SOURCE $(addprefix --suppress=,missingIncludeSystem) shim launcher
	@echo "clang-tidy"
	@printf '%s\n' $(filter shim/%.c launcher/%.c,$(SOURCES)) | xargs -P $$(nproc) -n 8 \
		sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=gnu11 $$TIDY_DEFINES 2>/dev/null' sh

format:
	clang-format -i $(SOURCES)

format-check:
	clang-format --dry-run -Werror $(SOURCES)

# ---- installing ------------------------------------------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(SYSCONFDIR)/sbx-preload
	install -m 755 $(BUILD)/sbx-preload $(DESTDIR)$(BINDIR)/sbx-preload
	install -m 644 $(BUILD)/libsbx-preload.so $(DESTDIR)$(LIBDIR)/libsbx-preload.so
	install -m 644 $(BUILD)/sbx-preload.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 $(BUILD)/sbx-preload.ini.5 $(DESTDIR)$(MANDIR)/man5/
	@# An administrator's edits stay: a shipped policy goes in only where there is none.
	for f in conf/*.ini; do test -e $(DESTDIR)$(SYSCONFDIR)/sbx-preload/$${f##*/} || \
		install -m 644 $$f $(DESTDIR)$(SYSCONFDIR)/sbx-preload/; done

# Policies stay: they may have been edited.
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/sbx-preload $(DESTDIR)$(LIBDIR)/libsbx-preload.so \
		$(DESTDIR)$(MANDIR)/man1/sbx-preload.1 $(DESTDIR)$(MANDIR)/man5/sbx-preload.ini.5
	-rmdir $(DESTDIR)$(LIBDIR)

clean:
	rm -rf $(BUILD)

.PHONY: all bench demo check check-unit check-sanitized check-live check-symbols check-aarch64 objects probes lint format \
	format-check install uninstall clean

-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/*/*/*.d' 2>/dev/null)
