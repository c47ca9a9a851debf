/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * messages.c - all that the compiler can say of a script: a code for tools,
 * what it means, how to mend it, and a script that shows it.
 *
 * A message is told by its format text, at the place where the mistake is
 * found (sieve_error(), sieve_warn()); this table finds the code by that text.
 * So words need no table of their own, and a format that is not here is found
 * by a test that reads the sources. The manual's list is made of it.
 */
#include "messages.h"

#define ERROR(code, means, fix, example, ...)                                  \
	{                                                                      \
		code, SIEVE_ERROR, false, means, fix, example,                 \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define WARNING(code, means, fix, example, ...)                                \
	{                                                                      \
		code, SIEVE_WARNING, false, means, fix, example,               \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define IN_TEST(code, means, fix, example, ...)                                \
	{                                                                      \
		code, SIEVE_ERROR, true, means, fix, example,                  \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

#define LOOP(text)                                                             \
	"require [\"foreverypart\", \"mime\", \"extracttext\", "               \
	"\"variables\"];\n" text "\n"
#define OURS(text) "require [\"vnd.mailmill\", \"variables\"];\n" text "\n"

static const struct sieve_message messages[] = {
	/* Letters and grammar */
	ERROR("unclosed-string", "A string has no quote at its end.",
		"Add the quote that is missing; the place is where strings "
		"begin to go over line ends.",
		"redirect \"ann@example.com;\n", "string is never closed"),
	ERROR("unclosed-text", "A text: has no line with a single dot.",
		"Write a dot alone in a line where the text ends.",
		"redirect text:\nann@example.com\n;\n", "text is never closed"),
	ERROR("text-start", "Something stands behind text: in its line.",
		"Begin the text on the next line.",
		"redirect text: ann@example.com\n.\n;\n",
		"text: must be followed by a line end"),
	ERROR("unclosed-comment", "A comment has no */ at its end.",
		"Write */ where it ends.", "keep; /* all else\n",
		"comment is never closed"),
	ERROR("slashes", "Two slashes begin no comment.",
		"Write # for a comment up to the end of the line.",
		"// all else\nkeep;\n", "'//' begins no comment"),
	ERROR("wrong-quotes",
		"Quotes are round (from a word processor) or single.",
		"Write plain double quotes.", "redirect 'ann@example.com';\n",
		"these are not the quotes of a string"),
	ERROR("wide-space",
		"A space is one of those that do not break, or have no width.",
		"Type plain spaces.", "redirect\xc2\xa0\"ann@example.com\";\n",
		"U+%04X is no space, though it looks like one"),
	ERROR("unexpected-character",
		"A character has no meaning here, such as an operator of "
		"another language.",
		"Do what the hint says: tests are joined by anyof and allof, "
		"compared by tags.",
		"if size > 100K { discard; }\n", "unexpected '%s'",
		"unexpected character '%c'", "unexpected byte 0x%02x"),
	ERROR("nul-byte", "There is a NUL byte in the script.",
		"Take it out; perhaps the file is no text, or UTF-16.", NULL,
		"NUL byte in a comment",
		"NUL byte in the string that begins here"),
	ERROR("lone-return", "A string has a carriage return of its own.",
		"End lines by LF or CRLF.", "redirect \"a\rb\";\n",
		"carriage return without line feed in the string that begins "
		"here"),
	ERROR("number-unit", "Letters behind a number are no unit.",
		"Write K, M or G directly behind it.",
		"if size :over 10MB { discard; }\n",
		"unknown unit '%.*s' behind a number"),
	ERROR("number-fraction", "A number has a fraction.",
		"Take a smaller unit.", "if size :over 1.5M { discard; }\n",
		"numbers have no fraction"),
	ERROR("number-size", "A number has more than 64 bits.",
		"Write a smaller one.",
		"if size :over 99999999999999999999 { keep; }\n",
		"number is larger than %llu"),
	ERROR("lone-colon", "A colon has no name behind it.",
		"Write the tag's name directly behind its colon.",
		"if header : is \"a\" \"b\" { stop; }\n",
		"no name behind the colon"),
	ERROR("missing-semicolon", "A command has no semicolon at its end.",
		"Write it where the caret stands.", "keep\nstop;\n",
		"missing semicolon ';' after %s command",
		"missing semicolon ';' after %.*s command"),
	ERROR("extra-semicolon", "A semicolon ends nothing.",
		"Leave it out, also before and behind a block.",
		"if true { keep; };\n", "unexpected ';'",
		"unexpected ';' before the block of the %.*s command"),
	ERROR("missing-brace", "A block has no { at its begin.",
		"Write { } around what depends on the test.",
		"if size :over 1M discard;\n",
		"missing '{' before the %.*s command"),
	ERROR("unclosed-block", "A block has no } at its end.",
		"Write it; the hint names a } whose indentation is odd.",
		"if true {\n\tkeep;\n", "block is never closed"),
	ERROR("extra-brace", "A } ends no block.",
		"Leave it out, or write the { that is missing.", "keep;\n}\n",
		"unexpected '}'"),
	ERROR("unexpected-mark", "A comma or bracket stands behind a command.",
		"Put several tests into anyof ( ), several strings into [ ].",
		"if true, false { stop; }\n",
		"unexpected %s after %.*s command"),
	ERROR("unexpected", "Something else must stand here.",
		"Write what is named; lists of strings stand in [ ] with "
		"commas, lists of tests in ( ).",
		"if header :is [\"a\" \"b\"] \"c\" { stop; }\n",
		"expected %s, but found %s"),
	ERROR("else-if", "else if stands where elsif is meant.", "Write elsif.",
		"if true { keep; }\nelse if true { stop; }\n",
		"'else if' is written as one word"),
	ERROR("bare-word", "A string has no quotes.", "Write them.",
		"redirect ann;\n",
		"the %s %s expects a string (%s), but found the name %.*s"),

	/* Words */
	ERROR("missing-require",
		"A word or tag belongs to an extension that is not required.",
		"Add the require that the hint gives.", "fileinto \"Spam\";\n"),
	ERROR("unknown-command", "There is no such command.",
		"Mind its spelling.", "discrad;\n"),
	ERROR("unknown-test", "There is no such test.", "Mind its spelling.",
		"if heder :is \"a\" \"b\" { stop; }\n"),
	ERROR("unknown-tag", "A command or test has no such tag.",
		"Mind its spelling; the hint says which words take it.",
		"if header :contain \"a\" \"b\" { stop; }\n",
		"unknown tagged argument ':%.*s' for the %s %s (told once)"),
	ERROR("unknown-name",
		"A text that names something is none of those "
		"that can stand here.",
		"Write one that the hint gives.",
		"require \"envelope\";\nif envelope \"form\" \"a@b.c\" { "
		"stop; }\n",
		"unknown %s '%.*s'", "there is no list '%.*s'",
		"unknown importance \"%.*s\""),
	ERROR("unknown-extension", "A require names no extension that is here.",
		"Mind its spelling.", "require \"filein\";\n",
		"unknown extension '%.*s'"),
	ERROR("unknown-comparator", "There is no such comparator.",
		"Write one of those listed, and require it.",
		"if header :comparator \"i;x\" \"a\" \"b\" { stop; }\n",
		"unknown comparator '%.*s'"),
	ERROR("command-as-test",
		"A command stands where a test must, or the "
		"reverse.",
		"Tests stand behind if, commands in its block.",
		"if stop { keep; }\n", "attempted to use %s '%s' as a %s"),
	ERROR("late-require", "A require stands behind other commands.",
		"Move it to the top.", "keep;\nrequire \"fileinto\";\n",
		"require must stand before all other commands"),
	ERROR("lone-else", "An elsif or else follows no if.",
		"Put it directly behind the block of the if.",
		"keep;\nelse { stop; }\n", "%s without an if before it"),
	ERROR("needs-extension", "What is used needs a further extension.",
		"Require that, too.", "require \"include\";\nglobal \"x\";\n",
		"the global command needs the extension 'variables'",
		"the extension 'extracttext' needs the extension '%s'",
		"envelope part '%s' needs the extension 'envelope-dsn'",
		"the %s %s can name a variable only with the extension "
		"'variables'"),

	/* Arguments */
	ERROR("missing-colon", "A tag has no colon.", "Write it.",
		"if header contains \"a\" \"b\" { stop; }\n",
		"missing colon ':' before ':%.*s' tag in %s %s"),
	ERROR("late-tag", "A tag stands behind other arguments.",
		"Write tags first.", "if header \"a\" :is \"b\" { stop; }\n",
		"unexpected ':%.*s' behind other arguments of the %s %s (tags "
		"come first)"),
	ERROR("argument-count", "Arguments are missing, or there are too many.",
		"Write those that the hint lists.", "redirect;\n",
		"the %s %s requires %zu positional argument%s, but %zu %s "
		"specified",
		"more than %d arguments to %.*s"),
	ERROR("argument-type", "An argument is of the wrong kind.",
		"Write a string in quotes, a list in [ ], a number without "
		"quotes.",
		"redirect 5;\n", "the %s %s expects %s as %s, but %s was found",
		"the date test expects a string as argument 1 (header name), "
		"but a string list was found",
		"the %s command takes one variable, but a string list was "
		"found"),
	ERROR("no-variables-here", "An argument must be known beforehand.",
		"Write it out, without ${ }.",
		"require [\"variables\", \"include\"];\ninclude \"${x}\";\n",
		"%s must be written out, without variables",
		"the name of a variable must be written out",
		"a field to find by cannot hold a variable"),
	ERROR("tag-value", "A tag has nothing behind it.", "Write its value.",
		"if header :comparator { stop; }\n",
		"the ':%.*s' tag of the %s %s lacks %s (%s) behind it",
		"the ':%.*s' tag of the %s test lacks a string (%s) behind it"),
	ERROR("tag-twice", "A tag is given twice.", "Leave one out.",
		"if size :over :over 1 { stop; }\n",
		"the ':%s' tag is given twice to the %s %s",
		"comparator given twice to the %s test"),
	ERROR("tags-exclude", "Two tags cannot stand together.",
		"Leave one out.", "if size :over :under 1 { stop; }\n",
		"':%s' and ':%s' exclude each other in the %s %s",
		"modifiers ':%s' and ':%s' exclude each other",
		"':list' and ':comparator' exclude each other in the %s test",
		"match type ':%s' given, but ':%s' is there already in the %s "
		"test",
		"address part ':%s' given, but ':%s' is there already in the "
		"%s test"),
	ERROR("expression", "An expression of calculate cannot be read.",
		"Write values as ${name}, and between them + - * / or "
		"parentheses.",
		"require [\"variables\", \"vnd.mailmill\"];\n"
		"calculate \"total\" \"net * 2\";\n",
		"expression: at \"%.*s\": %s",
		"expression: '%.*s' is no name of a value"),
	ERROR("locale", "A locale is not known.",
		"Write a language, and a country where it matters.",
		"require [\"variables\", \"vnd.mailmill\"];\n"
		"extract :label \"Total\" :as \"number\" :locale \"german\" "
		"\"total\";\n",
		"unknown locale '%.*s': write a language and perhaps a "
		"country, as in \"de\" or \"en-US\"",
		":locale takes at most %d"),
	ERROR("tag-missing", "A tag that must be there is not.", "Write it.",
		"if size 100K { stop; }\n", "the %s %s needs the ':%s' tag",
		"the size test needs ':over' or ':under'",
		"extract needs :label or :pattern", "mail needs a condition"),
	ERROR("tag-alone", "A tag needs another one beside it.",
		"Write that, too.",
		"require \"index\";\nif header :last \"a\" \"b\" { stop; }\n",
		"the :last tag cannot be specified without the :index tag",
		"the :%s tag cannot be specified without the :mime tag",
		"the :%s tag cannot be specified without the :as tag",
		"':%s' says something of the copy that ':fcc' keeps, and "
		"there is none",
		"':%s' says something of threads found by their subject, and "
		"none is looked for by it"),
	ERROR("comparator-cannot", "A comparator cannot do this match.",
		"Leave the comparator out, or take another match type.",
		"require \"comparator-i;ascii-numeric\";\nif header :contains "
		":comparator \"i;ascii-numeric\" \"a\" \"1\" { stop; }\n",
		"comparator '%s' cannot do ':%s' in the %s test"),
	ERROR("test-list", "A list of tests must stand in parentheses.",
		"Write anyof (test, test).", "if anyof true { stop; }\n",
		"the %s %s requires a list of tests"),
	ERROR("one-test", "One test must stand here: none does, or a list.",
		"Leave out the parentheses, or write anyof or allof before "
		"them.",
		"if not (true) { stop; }\n",
		"the %s %s requires one test, but %s specified"),
	ERROR("extra-tests", "Tests stand behind a word that takes none.",
		"Join tests by anyof or allof; mind commas.",
		"if true and true { stop; }\n",
		"the %s %s accepts no sub-tests, but tests are specified"),
	ERROR("block-missing", "A command needs a block.", "Write { }.",
		"if true;\n", "the %s command requires a block"),
	ERROR("block-extra", "A command has a block and takes none.",
		"Write a semicolon instead.", "keep { stop; }\n",
		"the %s command accepts no block"),

	/* Values */
	ERROR("bad-address", "A text is no address that mail can go to.",
		"Write one bare address: ann@example.com.",
		"redirect \"ann\";\n", "invalid address \"%.*s\": %s",
		"invalid address \"%.*s\" for :from: %s",
		"invalid address '%.*s': %s"),
	ERROR("bad-folder", "A text is no name of a folder.",
		"Leave out control characters and what is no UTF-8.",
		"require \"fileinto\";\nfileinto \"\";\n",
		"invalid folder name \"%.*s\""),
	ERROR("bad-pattern", "A pattern cannot be read.",
		"Mind brackets and backslashes: in strings a backslash is "
		"written twice.",
		"require \"regex\";\nif header :regex \"a\" \"(b\" { stop; "
		"}\n",
		"invalid pattern: %s"),
	ERROR("bad-field", "A text is no name or value of a header field.",
		"Names have neither colon nor space.",
		"require \"editheader\";\naddheader \"X Y:\" \"a\";\n", "%s"),
	ERROR("no-address-field",
		"The address test is asked of a field "
		"without addresses.",
		"Write the header test.",
		"if address \"Subject\" \"a@b.c\" { stop; }\n",
		"header '%.*s' holds no addresses: not allowed in the address "
		"test"),
	ERROR("no-address-part", "A part of the envelope is no address.",
		"Leave out the address part.",
		"require \"envelope\";\nif envelope :domain \"auth\" \"a\" { "
		"stop; }\n",
		"envelope part '%s' is no address: ':%s' cannot be taken of "
		"it"),
	ERROR("bad-character", "A number names no character.",
		"Write one of Unicode.",
		"require \"encoded-character\";\nredirect "
		"\"${unicode:d800}\";\n",
		"${unicode:...} with %x, which is no character"),
	ERROR("bad-index", "Fields are counted from 1.", "Write 1 or more.",
		"require \"index\";\nif header :index 0 \"a\" \"b\" { stop; "
		"}\n",
		"there is no field number 0"),
	ERROR("bad-method", "A notification cannot go to this.",
		"Write mailto: and an address.",
		"require \"enotify\";\nnotify \"x\";\n",
		"invalid method \"%.*s\": %s", "invalid option \"%.*s\"",
		"local policy prohibits the use of a notify action"),
	ERROR("bad-mime-text",
		"A text with a MIME header of its own is not right.",
		"Write the header in ASCII and end it by an empty line.",
		"require \"vacation\";\nvacation :mime "
		"\"Content-Type: t\xc3\xa4xt/plain\r\n\r\na\";\n",
		"the header of a :mime reason may be ASCII only",
		"the text of replace :mime has no header and empty line"),

	/* Variables */
	ERROR("bad-variable", "A text is no name of a variable.",
		"Write letters, digits and _, and no digit first.",
		"require \"variables\";\nset \"1\" \"a\";\n",
		"'%.*s' is no name for a variable",
		"name of a variable is longer than %u letters",
		"'%.*s' is no name for a variable: nothing can be set in "
		"'%.*s'"),
	ERROR("unknown-namespace", "No ${ } of this kind is known here.",
		"Mind its spelling; require what brings it.",
		"require \"variables\";\nredirect \"${nah.x}\";\n",
		"unknown namespace '%.*s' in ${%.*s}"),
	ERROR("match-value", "There are not so many match values.",
		"Write ${0} to ${32}.",
		"require \"variables\";\nredirect \"${33}\";\n",
		"there is no ${%.*s}"),
	ERROR("late-global", "A variable is made global behind its first use.",
		"Move the global command to the top.",
		"require [\"variables\", \"include\"];\nset \"a\" "
		"\"b\";\nglobal \"a\";\n",
		"'%.*s' was set above as a variable of this script alone"),

	/* Scripts within scripts, parts */
	ERROR("include",
		"A script that is included is not there, has errors, "
		"or includes itself.",
		"Mend that script; :optional does without one that is not "
		"there, :once does not run one again.",
		"require \"include\";\ninclude \"other\";\n",
		"included script '%.*s' %s"),
	ERROR("bad-script-name", "A text is no name of a script.",
		"Write a name without slash, and not a path.",
		"require \"include\";\ninclude \"a/b\";\n",
		"'%.*s' is no name of a script"),
	ERROR("outside-loop", "A command must stand in a foreverypart.",
		"Put it into its block.", LOOP("extracttext \"a\";"),
		"break outside of any foreverypart",
		"extracttext outside of any foreverypart"),
	ERROR("unknown-loop", "A break names no foreverypart around it.",
		"Write the name that the foreverypart has.",
		LOOP("foreverypart { break :name \"x\"; }"),
		"no foreverypart around this break is named '%.*s'"),

	/* Records */
	ERROR("record-name", "A text cannot name a record.",
		"Write letters, digits and _, none of the words that have a "
		"meaning of their own, and each name for one kind of record.",
		OURS("create \"Case\" \"mail\" { }"),
		"'%.*s' cannot name a record: a name is letters, digits and "
		"_, at most %d",
		"'%.*s' cannot name a record: it has a meaning of its own",
		"'%.*s' names a %.*s since line %u and cannot name a %.*s, "
		"too",
		"'%.*s' is no %s: letters, digits and _ are expected"),
	ERROR("unknown-record", "No record has this name here.",
		"Find or create it above.", OURS("update \"x\" { }"),
		"unknown record '%.*s'"),
	ERROR("record-unknown-yet",
		"The value is not known before the record is created.",
		"Use it as a whole value of a field.",
		OURS("create \"Case\" \"c\" { }\nredirect \"${c.Id}\";"),
		"${%.*s} is not known before the record is created",
		"${%.*s} is not known: the record may be created by this mail",
		"thread brings only ${%.*s.Id}"),
	ERROR("record-place", "A command cannot stand in this block.",
		"Fields stand in the block of create, update or upsert, all "
		"else outside.",
		OURS("field \"a\" \"b\";"),
		"%.*s cannot stand in the block of %.*s (line %u)",
		"field can stand only in the block of create, update or "
		"upsert"),
	ERROR("record-pairs", "Fields and values do not go in pairs.",
		"Write a list [\"Field\", \"value\"].",
		OURS("if find :where [\"Email\"] \"Contact\" \"c\" { }"),
		":where takes pairs of field and value, but the list holds "
		"%zu strings"),

	/* Limits */
	ERROR("limit", "Something is longer, deeper or more than is allowed.",
		"Make it smaller; mailmill-sieve(5) lists limits.",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddd;\n",
		"name of %zu letters is longer than %d",
		"string is longer than %zu bytes",
		"tests are nested deeper than %u",
		"blocks are nested deeper than %u",
		"script of %zu bytes is larger than %zu",
		"more than %u variables: '%.*s' is too many",
		"more than %u scripts are included",
		"scripts are included deeper than %u levels",
		"foreverypart within more than %u others",
		"more than %d names of records", ":in takes at most %d places",
		":where takes at most %d pairs",
		":within takes at least one day, and at most %d",
		"at most %d fields can be brought"),

	/* Test files */
	IN_TEST("test-file", "A command of a test file is used wrongly.",
		"mailmill-sieve(5) says how tests are written.",
		"require \"vnd.dovecot.testsuite\";\n"
		"if true { test \"a\" { } }\n",
		"test can stand only at the top of a test file",
		"unknown value '%.*s'", "\"%.*s\" is no length of time",
		"fact \"find\" takes what is asked and what is answered",
		"pairs of field and value are expected",
		"test_message takes one of :smtp and :folder",
		"test_message does not tell which message"),

	/* Warnings */
	WARNING("comment-end", "The last line is a comment and has no end.",
		"Add a line end: some engines insist on it.", "keep;\n# end",
		"no line end after the comment that ends the script"),
	WARNING("never-reached", "What stands here never runs.",
		"Take it out, or put it before the stop.", "stop;\nkeep;\n",
		"never reached: %s stands before it",
		"never reached: all branches before it end"),
	WARNING("unused-require", "An extension is required and not used.",
		"Take it out of the require.", "require \"fileinto\";\nkeep;\n",
		"\"%.*s\" is required but not used"),
	WARNING("require-twice", "An extension is required twice.",
		"Take one out.",
		"require [\"fileinto\", \"fileinto\"];\nfileinto \"a\";\n",
		"\"%.*s\" is required twice"),
	WARNING("constant-test", "A test does not depend on the mail.",
		"Take out what makes it so.",
		"if anyof (true, size :over 1) { stop; }\n",
		"this test is always %s"),
	WARNING("unused-variable", "A variable is set and never read.",
		"Take it out, or mind the spelling where it is read.",
		"require \"variables\";\nset \"a\" \"b\";\n",
		"variable '%.*s' is set but never read"),
	WARNING("unset-variable", "A variable is read and never set.",
		"Mind its spelling.",
		"require \"variables\";\nredirect \"${to}\";\n",
		"variable '%.*s' is never set"),
	WARNING("plain-reference", "A ${ } stays as it is written.",
		"Require \"variables\" if its value is meant.",
		"redirect \"${to}@example.com\";\n",
		"${%.*s} stays as it is written"),
	WARNING("empty-key", "An empty key of :contains fits every value.",
		"Write exists.", "if header :contains \"a\" \"\" { stop; }\n",
		"an empty key of ':contains' fits every value"),
	WARNING("matches-plain", "A key of :matches has no wildcard.",
		"Write :is or :contains.",
		"if header :matches \"a\" \"b\" { stop; }\n",
		"':matches' with a key that has neither * nor ?"),
	WARNING("plain-star",
		"A * in a key of :is or :contains is meant "
		"literally.",
		"Write :matches.", "if header :is \"a\" \"b*\" { stop; }\n",
		"the * in a key of ':%s' stands for itself"),
	WARNING("number-as-text", "Numbers are compared letter by letter.",
		"Add :comparator \"i;ascii-numeric\".",
		"require \"relational\";\nif header :value \"gt\" \"a\" \"5\" "
		"{ stop; }\n",
		"numbers are compared as texts: \"9\" is greater than \"10\""),
	WARNING("never-true", "A test can never be true.",
		"Write what the hint says.",
		"if address \"From\" \"Ann <ann@example.com>\" { stop; }\n",
		"the %s test can never be true for this key",
		"no field is called \"%.*s\"",
		"\"%.*s\" is no name of a field: the test is always false",
		"'%.*s' is no time zone",
		"'%.*s' is no part of a date: never true",
		"no folder can have this name, so the test is never true",
		"there is no list '%.*s': never true"),
	WARNING("header-of-addresses",
		"The whole field is compared with a bare address.",
		"Write address :is.",
		"if header :is \"From\" \"ann@example.com\" { stop; }\n",
		"the header test compares the whole field, with names and "
		"< >"),
	WARNING("slow-pattern", "A pattern can take exponentially long.",
		"Repeat no group that is itself all repetition.",
		"require \"regex\";\nif header :regex \"a\" \"(b+)+\" { stop; "
		"}\n",
		"this pattern can take very long"),
	WARNING("include-missing", "A script that is included is not there.",
		"Store it before this one is used.", NULL,
		"included script '%.*s' is not there"),
	WARNING("notify-method", "Nobody may get this notification.",
		"Write mailto: and an address.",
		"require \"enotify\";\nnotify \"mailto:\";\n",
		"the method is not known before a mail is there",
		"the method names nobody to tell"),
	WARNING("reply-address",
		"An address of :addresses is none, or a line "
		"of a :mime reason is lost.",
		"Write bare addresses; end the MIME header by an empty line.",
		"require \"vacation\";\nvacation :addresses \"ann\" \"a\";\n",
		"\"%.*s\" is no address: %s",
		"a :mime reason begins with its MIME header and an empty line: "
		"\"%.*s\" is left out"),
};

const struct sieve_message *sieve_messages(size_t *n)
{
	*n = COUNT(messages);
	return messages;
}

const char *sieve_message_code(const char *format)
{
	for (size_t i = 0; i < COUNT(messages); i++)
		for (size_t k = 0; messages[i].formats[k]; k++)
			if (!strcmp(messages[i].formats[k], format))
				return messages[i].code;
	return "other";
}
