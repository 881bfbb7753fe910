/* SPDX-License-Identifier: MIT */
/* Live: clients of the network under the policies that we ship, against servers on loopback. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "live_work.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NEEDS_ABI 6 /* the default scopes */
#define PYTHON	  "/usr/bin/python3"
#define CURL	  "/usr/bin/curl"
#define WGET	  "/usr/bin/wget"
#define OPENSSL	  "/usr/bin/openssl"
#define URL	  "http://127.0.0.1:{port}/"

TestSuite(real_net, .timeout = 240, .fini = live_cleanup);

/* Serves outside/site and gives back what is posted. */
static const char serve[] =
	"import http.server, sys\n"
	"class H(http.server.SimpleHTTPRequestHandler):\n"
	"    def do_POST(self):\n"
	"        body = self.rfile.read(int(self.headers['Content-Length']))\n"
	"        self.send_response(200)\n"
	"        self.send_header('Content-Length', str(len(body)))\n"
	"        self.end_headers()\n"
	"        self.wfile.write(body)\n"
	"    do_PUT = do_POST\n"
	"import os; os.chdir(sys.argv[2])\n"
	"http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n";

static void prepare_http(struct live *live)
{
	static const char *const argv[] = {PYTHON, "{outside}/serve.py", "{port}", "{outside}/site",
					   NULL};

	live_mkdir(live, "{outside}/site");
	live_write(live, "{outside}/site/page.txt", "served by the loopback\n");
	live_write(live, "{outside}/serve.py", serve);
	(void)live_free_port(live);
	cr_assert(live_server_start(live, argv, live->port));
}

static void need(const char *program)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(program);
	live_need_program(PYTHON);
}

static const struct live_case curl_does[] = {
	{.name = "curl --output",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "--output", "got.txt", URL "page.txt"},
	 .makes = "{work}/got.txt"},
	{.name = "curl to standard output, with a progress meter",
	 .policy = "curl",
	 .argv = {CURL, URL "page.txt"},
	 .out = "served by the loopback"},
	{.name = "curl looks a name up",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "http://localhost:{port}/page.txt"},
	 .out = "served by the loopback"},
	{.name = "curl posts a file",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "--data-binary", "@got.txt", URL},
	 .out = "served by the loopback"},
	{.name = "curl uploads a file",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "-H", "Expect:", "-T", "got.txt", URL},
	 .out = "served by the loopback"},
};
static const struct live_case curl_kept[] = {
	{.name = "curl file:// elsewhere",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "file://{outside}/secret.txt"},
	 .out = LIVE_SECRET,
	 .says = "Couldn't open file"},
	{.name = "curl posts a file from elsewhere",
	 .policy = "curl",
	 .argv = {CURL, "--data-binary", "@{outside}/secret.txt", URL},
	 .out = LIVE_SECRET,
	 .says = "ouldn't read data from file"},
	{.name = "curl uploads a file from elsewhere",
	 .policy = "curl",
	 .argv = {CURL, "-sS", "-H", "Expect:", "-T", "{outside}/secret.txt", URL},
	 .out = LIVE_SECRET,
	 .says = "Can't open"},
	{.name = "curl writes elsewhere",
	 .policy = "curl",
	 .argv = {CURL, "--output", "{outside}/got.txt", URL "page.txt"},
	 .makes = "{outside}/got.txt",
	 .says = "Permission denied"},
};

Test(real_net, curl)
{
	need(CURL);
	live_does_all(curl_does, COUNT(curl_does), prepare_http);
	live_kept_all(curl_kept, COUNT(curl_kept), prepare_http);
}

static const struct live_case wget_does[] = {
	{.name = "wget",
	 .policy = "wget",
	 .argv = {WGET, URL "page.txt"},
	 .makes = "{work}/page.txt"},
	{.name = "wget keeps the server's time, so has nothing to fetch again",
	 .policy = "wget",
	 .argv = {WGET, "-N", "-P", "kept", "-o", "-", URL "page.txt"},
	 .varies = true,
	 .makes = "{work}/kept"},
	{.name = "wget -N, again",
	 .policy = "wget",
	 .argv = {WGET, "-N", "-P", "kept", "-o", "-", URL "page.txt"},
	 .varies = true,
	 .out = "not modified"},
	{.name = "wget looks a name up",
	 .policy = "wget",
	 .argv = {WGET, "-q", "-O", "-", "http://localhost:{port}/page.txt"},
	 .out = "served by the loopback"},
	{.name = "wget -O -",
	 .policy = "wget",
	 .argv = {WGET, "-q", "-O", "-", URL "page.txt"},
	 .out = "served by the loopback"},
	{.name = "wget -r",
	 .policy = "wget",
	 .argv = {WGET, "-q", "-r", "-nH", "-P", "mirror", URL},
	 .makes = "{work}/mirror/page.txt"},
	{.name = "wget posts a file",
	 .policy = "wget",
	 .argv = {WGET, "-q", "-O", "-", "--post-file=page.txt", URL},
	 .out = "served by the loopback"},
};
static const struct live_case wget_kept[] = {
	{.name = "wget posts a file from elsewhere",
	 .policy = "wget",
	 .argv = {WGET, "-O", "-", "--post-file={outside}/secret.txt", URL},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
	{.name = "wget writes elsewhere",
	 .policy = "wget",
	 .argv = {WGET, "-O", "{outside}/got.txt", URL "page.txt"},
	 .makes = "{outside}/got.txt",
	 .says = "Permission denied"},
};

Test(real_net, wget)
{
	need(WGET);
	live_does_all(wget_does, COUNT(wget_does), prepare_http);
	live_kept_all(wget_kept, COUNT(wget_kept), prepare_http);
}

/* ---- openssl s_client, s_server ---- */

static void prepare_certificate(struct live *live)
{
	static const char *const make[] = {OPENSSL,    "req",		"-x509",   "-newkey",
					   "rsa:2048", "-nodes",	"-days",   "2",
					   "-subj",    "/CN=localhost", "-keyout", "key.pem",
					   "-out",     "cert.pem",	NULL};
	static const char *const copy[] = {"/bin/cp", "cert.pem", "key.pem", "{outside}", NULL};
	const char *const *const commands[] = {make, copy};

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct live_command command = {.argv = commands[i]};
		struct live_result r = live_run(live, &command);

		cr_assert(r.status == 0, "%s: %s", commands[i][0], r.err);
		live_result_done(&r);
	}
	(void)live_free_port(live);
}

static const char *const tls_server[] = {OPENSSL, "s_server", "-accept", "127.0.0.1:{port}",
					 "-cert", "cert.pem", "-key",	 "key.pem",
					 "-www",  NULL};

static void prepare_tls(struct live *live)
{
	prepare_certificate(live);
	cr_assert(live_server_start(live, tls_server, live->port));
}

static void prepare_tls_sandboxed(struct live *live)
{
	prepare_certificate(live);
	cr_assert(live_server_sandboxed(live, "openssl", NULL, tls_server, live->port));
}

#define S_CLIENT \
	OPENSSL, "s_client", "-connect", "127.0.0.1:{port}", "-quiet", "-verify_return_error"
static const struct live_case s_client_does[] = {
	{.name = "openssl s_client",
	 .policy = "openssl",
	 .argv = {S_CLIENT, "-CAfile", "cert.pem"},
	 .input = "GET / HTTP/1.0\r\n\r\n",
	 .varies = true,
	 .out = "HTTP/1.0 200 ok"},
	{.name = "openssl s_client by name",
	 .policy = "openssl",
	 .argv = {OPENSSL, "s_client", "-4", "-connect", "localhost:{port}", "-quiet",
		  "-verify_return_error", "-CAfile", "cert.pem"},
	 .input = "GET / HTTP/1.0\r\n\r\n",
	 .varies = true,
	 .out = "HTTP/1.0 200 ok"},
};
static const struct live_case s_client_kept[] = {
	{.name = "openssl s_client with a certificate from elsewhere",
	 .policy = "openssl",
	 .argv = {S_CLIENT, "-CAfile", "{outside}/cert.pem"},
	 .input = "GET / HTTP/1.0\r\n\r\n",
	 .out = "HTTP/1.0 200 ok",
	 .says = "Permission denied"},
};

Test(real_net, openssl_s_client)
{
	need(OPENSSL);
	live_does_all(s_client_does, COUNT(s_client_does), prepare_tls);
	live_kept_all(s_client_kept, COUNT(s_client_kept), prepare_tls);
}

Test(real_net, openssl_s_server)
{
	need(OPENSSL);
	live_does_all(s_client_does, COUNT(s_client_does), prepare_tls_sandboxed);
}

/* ---- for who learns from it ---- */

static void use_s_server(struct live *live)
{
	for (size_t i = 0; i < COUNT(s_client_does); i++) {
		struct live_result r = live_case_run(live, &s_client_does[i], NULL);

		cr_expect(r.status == 0 && live_case_done(live, &s_client_does[i], &r), "%s: %s%s",
			  s_client_does[i].name, r.out, r.err);
		live_result_done(&r);
	}
}

const struct live_work real_net_work[] = {
	{.name = "curl",
	 .policy = "curl",
	 .programs = {CURL, PYTHON},
	 .prepare = prepare_http,
	 .cases = curl_does,
	 .count = COUNT(curl_does)},
	{.name = "wget",
	 .policy = "wget",
	 .programs = {WGET, PYTHON},
	 .prepare = prepare_http,
	 .cases = wget_does,
	 .count = COUNT(wget_does)},
	{.name = "openssl s_client",
	 .policy = "openssl",
	 .programs = {OPENSSL},
	 .prepare = prepare_tls,
	 .cases = s_client_does,
	 .count = COUNT(s_client_does)},
	{.name = "openssl s_server",
	 .policy = "openssl",
	 .programs = {OPENSSL},
	 .prepare = prepare_certificate,
	 .argv = tls_server,
	 .use = use_s_server,
	 .ends = 128 + SIGTERM},
};
const size_t real_net_works = COUNT(real_net_work);
