/* SPDX-License-Identifier: MIT */
/* Live: interpreters under the policies that we ship. What a script may do is what its interpreter
 * may. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "live_work.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NEEDS_ABI 6 /* the default scopes */
#define PYTHON	  "/usr/bin/python3"
#define NODE	  "/usr/bin/node"

TestSuite(real_langs, .timeout = 240, .fini = live_cleanup);

/* Somebody who listens, so that a refused connection cannot be taken for a closed port. */
static void start_listener(struct live *live)
{
	static const char *const argv[] = {PYTHON,	"-m",	     "http.server",
					   "--bind",	"127.0.0.1", "--directory",
					   "{outside}", "{port}",    NULL};

	(void)live_free_port(live);
	cr_assert(live_server_start(live, argv, live->port));
}

/* ---- python3 ---- */

static const char python_script[] =
	"import hashlib, json, sqlite3, ssl, sys, threading\n"
	"c = sqlite3.connect('python.db')\n"
	"c.execute('create table t(a)')\n"
	"t = threading.Thread(target=lambda: print('thread', flush=True)); t.start(); t.join()\n"
	"c.executemany('insert into t values(?)', [(i,) for i in range(10)])\n"
	"c.commit()\n"
	"print(json.dumps({'sum': c.execute('select sum(a) from t').fetchone()[0]}))\n"
	"print(hashlib.sha256(b'x').hexdigest(), file=open('digest.txt', 'w'))\n"
	"import os; os.rename('digest.txt', 'digest.new'); os.mkdir('d'); os.rmdir('d')\n"
	"os.unlink('digest.new'); print('sorted', sorted(os.listdir('.'))[0], "
	"ssl.OPENSSL_VERSION)\n";

static void prepare_python(struct live *live)
{
	live_write(live, "{work}/script.py", python_script);
	start_listener(live);
}

static const struct live_case python3_does[] = {
	{.name = "python3 script",
	 .policy = "python3",
	 .argv = {PYTHON, "script.py"},
	 .out = "{\"sum\": 45}\nsorted",
	 .makes = "{work}/python.db",
	 .copes = "denied fchown("}, /* sqlite's */
	{.name = "python3 -c",
	 .policy = "python3",
	 .argv = {PYTHON, "-c", "print(6 * 7)"},
	 .out = "42"},
	{.name = "python3 from standard input",
	 .policy = "python3",
	 .argv = {PYTHON, "-"},
	 .input = "import datetime, random, re, zlib, ctypes; print(re.sub('a', 'b', 'aaa'))\n",
	 .out = "bbb"},
	{.name = "python3 at its prompt",
	 .policy = "python3",
	 .argv = {PYTHON, "-q"},
	 .input = "print(6 * 70)\nexit()\n",
	 .tty = true,
	 .out = "420"},
};
#define PYTHON_KEPT(what, does, code)                                                       \
	{                                                                                   \
		.name = "python3 " what, .policy = "python3", .argv = {PYTHON, "-c", code}, \
		.out = does, .says = "PermissionError"                                      \
	}
static const struct live_case python3_kept[] = {
	PYTHON_KEPT("subprocess", "uid={uid}",
		    "import subprocess; print(subprocess.check_output(['/usr/bin/id']))"),
	PYTHON_KEPT("os.fork", "child 0",
		    "import os; p = os.fork(); print('child', os.waitpid(p, 0)[1] if p else '')"),
	PYTHON_KEPT("os.execv", "uid={uid}", "import os; os.execv('/usr/bin/id', ['id'])"),
	PYTHON_KEPT("reads elsewhere", LIVE_SECRET, "print(open('{outside}/secret.txt').read())"),
	PYTHON_KEPT("lists elsewhere", "secret.txt", "import os; print(os.listdir('{outside}'))"),
	PYTHON_KEPT("writes elsewhere", "wrote",
		    "open('{outside}/new.txt', 'w').write('x'); print('wrote')"),
	PYTHON_KEPT("connects", "connected",
		    "import socket; socket.create_connection(('127.0.0.1', {port}));"
		    "print('connected')"),
	PYTHON_KEPT("changes modes", "changed",
		    "import os; os.chmod('{outside}/secret.txt', 0o600); print('changed')"),
	PYTHON_KEPT(
		"removes elsewhere", "removed",
		"import os; os.path.exists('{outside}/new.txt') or open('{outside}/new.txt', 'w');"
		"os.unlink('{outside}/new.txt'); print('removed')"),
	PYTHON_KEPT("signals another process", "signalled",
		    "import os; os.kill({server}, 0); print('signalled')"),
};

Test(real_langs, python3)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(PYTHON);
	live_does_all(python3_does, COUNT(python3_does), prepare_python);
	live_kept_all(python3_kept, COUNT(python3_kept), prepare_python);
}

/* ---- node ---- */

static const char node_script[] =
	"const fs = require('fs'), crypto = require('crypto');\n"
	"fs.mkdirSync('made', {recursive: true});\n"
	"fs.writeFileSync('made/a.json', JSON.stringify({n: [1, 2, 3]}));\n"
	"const sum = JSON.parse(fs.readFileSync('made/a.json')).n.reduce((a, b) => a + b);\n"
	"let x = 0; for (let i = 0; i < 2e6; i++) x = (x * 31 + i) | 0;  // hot: the JIT's turn\n"
	"const h = crypto.createHash('sha256').update('x').digest('hex');\n"
	"crypto.pbkdf2('p', 's', 1000, 16, 'sha1', (e, k) =>  // the thread pool\n"
	"  console.log('sum', sum, h.length, k.length));\n";
static const char node_server[] =
	"const http = require('http'), fs = require('fs');\n"
	"http.createServer((q, r) => {\n"
	"  fs.readFile('page.txt', (e, b) => r.end(e ? String(e) : b + q.url));\n"
	"}).listen(+process.argv[2], '127.0.0.1');\n";
static const char node_client[] =
	"require('http').get({host: 'localhost', family: 4, port: process.argv[2], path: '/'},\n"
	"  r => r.on('data', d => process.stdout.write(d)));\n";

static void prepare_node_scripts(struct live *live)
{
	live_write(live, "{work}/script.js", node_script);
	live_write(live, "{work}/server.js", node_server);
	live_write(live, "{work}/client.js", node_client);
	live_write(live, "{work}/page.txt", "node serves ");
	(void)live_free_port(live);
}

static void prepare_node(struct live *live)
{
	prepare_node_scripts(live);
	start_listener(live);
}

static const struct live_case node_does[] = {
	{.name = "node script",
	 .policy = "node",
	 .argv = {NODE, "script.js"},
	 .out = "sum 6 64 16",
	 .makes = "{work}/made"},
	{.name = "node counts processors and memory",
	 .policy = "node",
	 .argv = {NODE, "-p", "o = require('os'); o.cpus().length > 0 && o.freemem() > 0"},
	 .out = "true"},
	{.name = "node http client",
	 .policy = "node",
	 .argv = {NODE, "client.js", "{port}"},
	 .out = "secret.txt"},
};
#define NODE_KEPT(what, does, code, message)                                                     \
	{                                                                                        \
		.name = "node " what, .policy = "node", .argv = {NODE, "-e", code}, .out = does, \
		.says = message                                                                  \
	}
static const struct live_case node_kept[] = {
	NODE_KEPT("child_process", "uid={uid}",
		  "console.log('' + require('child_process').execFileSync('/usr/bin/id'))",
		  "EPERM"),
	NODE_KEPT("reads elsewhere", LIVE_SECRET,
		  "console.log('' + require('fs').readFileSync('{outside}/secret.txt'))", "EACCES"),
	NODE_KEPT("writes elsewhere", "wrote",
		  "require('fs').writeFileSync('{outside}/new.txt', 'x'); console.log('wrote')",
		  "EACCES"),
	NODE_KEPT("changes modes", "changed",
		  "require('fs').chmodSync('{outside}/secret.txt', 0o600); console.log('changed')",
		  "EPERM"),
};

Test(real_langs, node)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(NODE);
	live_need_program(PYTHON);
	live_does_all(node_does, COUNT(node_does), prepare_node);
	live_kept_all(node_kept, COUNT(node_kept), prepare_node);
}

static const char *const node_serves[] = {NODE, "server.js", "{port}", NULL};

static void use_node_server(struct live *live)
{
	char *answer = live_http_get(live->port, "/twice");

	cr_expect(answer && strstr(answer, "node serves /twice"), "uid %u: %s", live->uid,
		  answer ? answer : "no answer");
	free(answer);
}

Test(real_langs, node_server)
{
	uid_t users[2];
	size_t n;

	live_need_landlock(NEEDS_ABI);
	live_need_program(NODE);
	live_need_program(PYTHON);
	n = live_users(users);
	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		prepare_node(&live);
		(void)live_free_port(&live);
		if (live_server_sandboxed(&live, "node", NULL, node_serves, live.port))
			use_node_server(&live);
		live_done(&live);
	}
}

/* ---- for who learns from it ---- */

const struct live_work real_langs_work[] = {
	{.name = "python3",
	 .policy = "python3",
	 .programs = {PYTHON},
	 .prepare = prepare_python,
	 .cases = python3_does,
	 .count = COUNT(python3_does)},
	{.name = "node",
	 .policy = "node",
	 .programs = {NODE, PYTHON},
	 .prepare = prepare_node,
	 .cases = node_does,
	 .count = COUNT(node_does)},
	{.name = "node as a server",
	 .policy = "node",
	 .programs = {NODE},
	 .prepare = prepare_node_scripts,
	 .argv = node_serves,
	 .use = use_node_server,
	 .ends = 128 + SIGTERM},
};
const size_t real_langs_works = COUNT(real_langs_work);
