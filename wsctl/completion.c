/*
 * completion: writes the script. A word of a usage stands for what is offered in its place: NAME
 * for nodes, CHANNEL and PATTERN for channels, COMMAND for commands, FILE for files; what is in
 * lower case is to be typed as it is. The script asks `wsctl completion nodes` and `... channels`
 * and works without the package bash-completion.
 */
#include "completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../lib/buf.h"
#include "../lib/version.h"
#include "cmd.h"
#include "opts.h"

static const char head[] = "# Completes wsctl in bash: . <(wsctl completion bash), or this as\n"
			   "# /etc/bash_completion.d/wsctl. Written by wsctl " WSCALE_VERSION
			   ".\n\n";

/* `at` is the position behind the command; what is asked for goes through wsctl -c FILE as typed.
 */
static const char body[] =
	"# The words that begin like $cur, of what KIND stands for: @nodes, @files, or "
	"a|list|of|words.\n"
	"_wsctl_offer() {\n"
	"\tlocal word words=()\n"
	"\tcase $2 in\n"
	"\t@commands) read -ra words <<<\"$_wsctl_commands\" ;;\n"
	"\t@nodes | @channels) mapfile -t words < <(\"$1\" ${config:+-c \"$config\"} completion "
	"\"${2#@}\" \"$cur\" 2>/dev/null) ;;\n"
	"\t@files)\n"
	"\t\tmapfile -t words < <(compgen -f -- \"$cur\")\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\t;;\n"
	"\t*) IFS='|' read -ra words <<<\"$2\" ;;\n"
	"\tesac\n"
	"\tfor word in \"${words[@]}\"; do\n"
	"\t\t[[ -z $word || $word != \"$cur\"* ]] || COMPREPLY+=(\"$word\")\n"
	"\tdone\n"
	"}\n\n"
	"_wsctl() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} cur word prefix='' quoted='' ended='' config=''\n"
	"\tlocal command='' value='' options='' more='' kinds=() words=() i at=0\n"
	"\tCOMPREPLY=()\n"
	"\tread -ra words <<<\"$line\"\n"
	"\t[[ $line != *[[:space:]] ]] || words+=('')\n"
	"\tcur=${words[-1]}\n"
	"\tfor ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
	"\t\tword=${words[i]}\n"
	"\t\tif [[ -n $value ]]; then\n"
	"\t\t\t[[ $value != config ]] || config=$word\n"
	"\t\t\tvalue=''\n"
	"\t\telif [[ -n $ended || $word != -?* ]]; then\n"
	"\t\t\tif [[ -z $command ]]; then command=$word; else at=$((at + 1)); fi\n"
	"\t\telif [[ $word == -- ]]; then\n"
	"\t\t\tended=1\n"
	"\t\telif [[ $word == --config=* ]]; then\n"
	"\t\t\tconfig=${word#*=}\n"
	"\t\telif _wsctl_value \"$word\"; then\n"
	"\t\t\t[[ $word != -c && $word != --config ]] || value=config\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tconfig=${config/#~\\//$HOME/}\n"
	"\tcase $cur in\n"
	"\t[\\'\\\"]*)\n"
	"\t\tquoted=1\n"
	"\t\tcur=${cur:1}\n"
	"\t\t;;\n"
	"\tesac\n"
	"\t_wsctl_command \"$command\"\n"
	"\t# Bash has taken the word apart at these: it wants what is behind the last.\n"
	"\tif [[ -z $quoted && $COMP_WORDBREAKS == *:* && $cur == *:* ]]; then\n"
	"\t\tprefix=${cur%\"${cur##*:}\"}\n"
	"\telif [[ -z $quoted && $COMP_WORDBREAKS == *=* && $cur == --*=* ]]; then\n"
	"\t\tprefix=${cur%%=*}=\n"
	"\tfi\n"
	"\tif [[ -n $value ]]; then\n"
	"\t\t_wsctl_value \"${words[-2]}\"\n"
	"\t\t_wsctl_offer \"$1\" \"$value\"\n"
	"\telif [[ -z $ended && $cur == --*=* ]]; then\n"
	"\t\t_wsctl_value \"${cur%%=*}\" || return 0\n"
	"\t\tword=${cur%%=*}=\n"
	"\t\tcur=${cur#*=}\n"
	"\t\t_wsctl_offer \"$1\" \"$value\"\n"
	"\t\tCOMPREPLY=(\"${COMPREPLY[@]/#/$word}\")\n"
	"\telif [[ -z $ended && $cur == -* ]]; then\n"
	"\t\t_wsctl_offer \"$1\" \"${options// /|}\"\n"
	"\telif [[ -z $command ]]; then\n"
	"\t\t_wsctl_offer \"$1\" @commands\n"
	"\telse\n"
	"\t\t[[ -z $more || $at -lt ${#kinds[@]} ]] || at=$((${#kinds[@]} - 1))\n"
	"\t\t[[ -z ${kinds[at]:-} ]] || _wsctl_offer \"$1\" \"${kinds[at]}\"\n"
	"\tfi\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
	"}\n"
	"complete -F _wsctl wsctl\n";

/* Whether one of the alternatives "NAME|PATTERN" is this. */
static bool has(const char *p, size_t len, const char *word)
{
	size_t want = strlen(word);

	for (size_t i = 0; i + want <= len; i++)
		if (!memcmp(p + i, word, want) && (!i || p[i - 1] == '|') &&
		    (i + want == len || p[i + want] == '|'))
			return true;
	return false;
}

/* What is offered in the place of a usage's word; nothing is "". */
static void add_kind(struct buf *b, const char *p, size_t len)
{
	bool first = true;

	if (has(p, len, "CHANNEL") || has(p, len, "PATTERN")) {
		buf_str(b, "@channels");
	} else if (has(p, len, "NAME")) {
		buf_str(b, "@nodes");
	} else if (has(p, len, "COMMAND")) {
		buf_str(b, "@commands");
	} else if (has(p, len, "FILE")) {
		buf_str(b, "@files");
	} else {
		for (size_t i = 0, end; i < len; i = end + 1) {
			for (end = i; end < len && p[end] != '|'; end++)
				;
			if (!islower((unsigned char)p[i]))
				continue;
			buf_str(b, first ? "" : "|");
			buf_add(b, p + i, end - i);
			first = false;
		}
	}
}

/* "CHANNEL [MESSAGE|-]": a word of the array for each; "...": the last one again and again. */
static void add_args(struct buf *b, const char *args)
{
	bool more = false;

	buf_str(b, " kinds=(");
	for (const char *p = args; *p;) {
		size_t len = strcspn(p, " "), skip = *p == '[', used = len - skip;

		if (used && p[skip + used - 1] == ']')
			used--;
		if (used > 3 && !strncmp(p + skip + used - 3, "...", 3)) {
			more = true;
			used -= 3;
		}
		buf_str(b, p == args ? "'" : " '");
		add_kind(b, p + skip, used);
		buf_str(b, "'");
		p += len + (p[len] == ' ');
	}
	buf_str(b, more ? ") more=1" : ")");
}

static void add_commands(struct buf *b)
{
	struct opts_row o;

	buf_str(b, "_wsctl_commands='");
	for (const struct command *c = commands; c->name; c++)
		buf_printf(b, "%s%s", c == commands ? "" : " ", c->name);
	buf_str(b, "'\n\n_wsctl_command() {\n\tcase $1 in\n");
	for (const struct command *c = commands; c->name; c++) {
		buf_printf(b, "\t%s) options='", c->name);
		for (size_t i = 0; opts_row(i, &o); i++)
			if (!o.everywhere && opts_taken(&o, c->options, c->mutates))
				buf_printf(b, "--%s ", o.name);
		buf_str(b, "'");
		add_args(b, c->args);
		buf_str(b, " ;;\n");
	}
	buf_str(b, "\tesac\n\toptions+='");
	for (size_t i = 0; opts_row(i, &o); i++)
		if (o.everywhere)
			buf_printf(b, "--%s ", o.name);
	buf_str(b, "'\n}\n\n");
}

/* The word behind the option in whichever command's row names it; "" when none does. */
static void add_value(struct buf *b, const struct opts_row *o)
{
	if (o->everywhere)
		buf_str(b, "@files"); /* -c */
	for (const struct command *c = commands; c->name && !o->everywhere; c++) {
		size_t len = 0;

		if (!opts_taken(o, c->options, false))
			continue;
		for (const char *p = c->options; (p = strchr(p, '[')); p += len) {
			const char *word = p + strcspn(p, " ]");
			char group[64];

			len = strcspn(p, "]");
			snprintf(group, sizeof group, "%.*s", (int)(word - p - 1), p + 1);
			if (*word == ' ' && opts_taken(o, group, false))
				add_kind(b, word + 1, len - (size_t)(word + 1 - p));
		}
		break;
	}
}

/* _wsctl_value OPTION: whether a value follows, and what it can be. */
static void add_values(struct buf *b)
{
	struct opts_row o;

	buf_str(b, "_wsctl_value() {\n\tcase $1 in\n");
	for (size_t i = 0; opts_row(i, &o); i++) {
		if (!o.value)
			continue;
		buf_str(b, "\t");
		if (o.letter)
			buf_printf(b, "-%c | ", o.letter);
		buf_printf(b, "--%s) value='", o.name);
		add_value(b, &o);
		buf_str(b, "' ;;\n");
	}
	buf_str(b, "\t*) return 1 ;;\n\tesac\n\tvalue=${value:-|}\n}\n\n");
}

void completion_bash(struct buf *b)
{
	buf_str(b, head);
	add_commands(b);
	add_values(b);
	buf_str(b, body);
}
