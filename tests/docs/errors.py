#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compare docs/errors.md with the error lines that the source can print.

errors.py DIRECTORY          say what differs, and exit 1 where something does
errors.py --list DIRECTORY   print the lines of the source, each with its file

A line of the source is the format of error_set(), error_prefix(), error_note(), command_usage() or command_takes_one();
of libvirt_complain() and libvirt_say(), which vfpool-gate has for them; of what hook/ prints to standard error; or any
other literal there that begins with "vfpool: ". Adjacent literals are joined, also across macros that stand for
literals; each branch of a ?: is a line of its own. A conversion of printf becomes "…", several in a row one. A format
of nothing but conversions passes on another line, and is none.

A row of the page is "| `line` | remedy |". Its "…" stands for anything. One that does not have three words in a row
stands for the very same line alone, so that a row as "cannot read …: …" does not hide what has no row.
"""

import glob
import os
import re
import sys

CALLS = {  # the argument that is the format, what is in front of it, and what is behind it
    "error_set": (2, "", ""),
    "error_prefix": (1, "", ": …"),
    "error_note": (1, "note: ", ""),
    "command_usage": (1, "", ""),
    "command_takes_one": (1, "", ""),
    "libvirt_complain": (1, "", ""),  # vfpool-gate's, which its caller passes on
    "libvirt_say": (1, "note: ", ""),
    "fprintf": (1, "", ""),
    "dprintf": (1, "", ""),
}
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'|[A-Za-z_]\w*|->|[^\s]')
COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\')|/\*.*?\*/|//[^\n]*', re.DOTALL)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(.*)$", re.MULTILINE)
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?(?:hh|h|ll|l|z|t|j)?[diouxXeEfgcsp]")
PRINTED_TO = ("stderr", "STDERR_FILENO")
ESCAPES = {"n": "\n", "t": "\t", "0": "\0"}
NO_ERROR = ("…, by …",)  # a line of the history, for the host's log
PASSED_ON = re.compile(r"[^A-Za-z]*$")


def read(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = COMMENT.sub(lambda match: match.group(1) or " ", text)
    return text.replace("\\\n", " ")


def unquote(literal):
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match.group(1), match.group(1)), literal[1:-1])


def macros(text):
    """The macros that stand for literals, or may."""
    found = {}
    for name, value in DEFINE.findall(text):
        tokens = TOKEN.findall(value)
        if tokens and all(token[0] == '"' or re.match(r"[A-Za-z_]", token) for token in tokens):
            found[name] = tokens
    return found


def arguments(tokens, start):
    """The arguments of a call, as lists of tokens; start is behind the parenthesis."""
    found, depth, one = [], 0, []
    for token in tokens[start:]:
        if token in "([{":
            depth += 1
        elif token in ")]}":
            if depth == 0:
                return found + [one]
            depth -= 1
        if token == "," and depth == 0:
            found.append(one)
            one = []
        else:
            one.append(token)
    return found + [one]


def evaluate(tokens, known):
    """The strings that an expression can be, or None where it is not made of literals."""
    while tokens and tokens[0] == "(" and len(arguments(tokens, 1)) == 1 and len(arguments(tokens, 1)[0]) == len(tokens) - 2:
        tokens = tokens[1:-1]
    depth, question, nested = 0, None, 0
    for place, token in enumerate(tokens):
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        elif depth == 0 and token == "?":
            if question is None:
                question = place
            else:
                nested += 1
        elif depth == 0 and token == ":":
            if nested:
                nested -= 1
                continue
            one, other = evaluate(tokens[question + 1 : place], known), evaluate(tokens[place + 1 :], known)
            return None if one is None or other is None else one + other
    texts = [""]
    for token in tokens:
        if token[0] == '"':
            parts = [unquote(token)]
        elif re.match(r"PRI[diouxX]\d+$", token):
            parts = ["u"]
        elif token in known:
            parts = evaluate(known[token], {name: known[name] for name in known if name != token})
        elif re.match(r"[A-Z][A-Z_]+$", token) and len(tokens) > 1:
            parts = ["…"]  # the Makefile's
        else:
            return None
        if parts is None:
            return None
        texts = [text + part for text in texts for part in parts]
    return texts


def line(text):
    """What a person sees of a format."""
    text = CONVERSION.sub("…", text).replace("%%", "%").rstrip("\n")
    return re.sub("…{2,}", "…", text)


def source(directory):
    """The lines, each with the files that it is in; and the calls that could not be read."""
    shared = {}
    for path in sorted(glob.glob(os.path.join(directory, "lib/*/*.h")) + glob.glob(os.path.join(directory, "hook/*.h"))):
        shared.update(macros(read(path)))
    lines, unread = {}, []
    for path in sorted(glob.glob(os.path.join(directory, "lib/*/*.c")) + glob.glob(os.path.join(directory, "hook/*.c"))):
        name = os.path.relpath(path, directory)
        text = read(path)
        known = {**shared, **macros(text)}
        tokens = TOKEN.findall(re.sub(r"^[ \t]*#(?![ \t]*define).*$", "", text, flags=re.MULTILINE))
        for place, token in enumerate(tokens):
            texts, front, behind = None, "", ""
            if token in CALLS and tokens[place + 1] == "(":
                which, front, behind = CALLS[token]
                given = arguments(tokens, place + 2)
                if len(given) <= which or "const" in given[0] or "const" in given[which]:
                    continue  # the function itself
                if token.endswith("printf") and (given[0][0] not in PRINTED_TO or not name.startswith("hook/")):
                    continue
                if token == "libvirt_say" and given[0] != ["GATE_NOTE"]:
                    continue
                texts = evaluate(given[which], known)
            elif token.startswith('"vfpool: ') and tokens[place - 1] != "," and name.startswith("hook/"):
                texts = evaluate(tokens[place : place + 1], known)
            else:
                continue
            if texts is None:
                unread.append("%s: %s" % (name, " ".join(tokens[place : place + 12])))
                continue
            for one in texts:
                if one.startswith("vfpool: "):
                    one = one[len("vfpool: ") :]
                one = line(one)
                if not PASSED_ON.match(one) and one != "note: …" and one not in NO_ERROR:
                    lines.setdefault(front + one + behind, set()).add(name)
    return lines, unread


def rows(path):
    """The rows of the page's tables: number, line, remedy."""
    found = []
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            match = re.match(r"\| `(.*?)` \|(.*)\|$", text.rstrip("\n"))
            if match:
                found.append((number, match.group(1).replace("\\|", "|"), match.group(2).strip()))
            elif text.startswith("|") and not re.match(r"\|[-:| ]+\|$|\| line ", text):
                found.append((number, None, ""))
    return found


def covers(row, text):
    if row == text:
        return True
    if not re.search(r"[^\s…]*[A-Za-z][^\s…]* [^\s…]+ [^\s…]*[A-Za-z]", row):
        return False
    return re.fullmatch(".+".join(re.escape(part) for part in row.split("…")), text) is not None


def main(arguments_given):
    only_list = arguments_given[1:2] == ["--list"]
    if len(arguments_given) != 2 + only_list:
        print("usage: errors.py [--list] DIRECTORY", file=sys.stderr)
        return 2
    directory = arguments_given[-1]
    lines, wrong = source(directory)
    wrong = ["this call's format cannot be read: " + call for call in wrong]
    if only_list:
        for text in sorted(lines):
            print("%s\t%s" % (text, " ".join(sorted(lines[text]))))
    else:
        page = rows(os.path.join(directory, "docs/errors.md"))
        for number, row, remedy in page:
            if row is None:
                wrong.append("docs/errors.md:%d: this is no row: | `line` | remedy |" % number)
            elif not any(covers(row, text) for text in lines):
                wrong.append("docs/errors.md:%d: nothing in the source says: %s" % (number, row))
            if row is not None and not remedy:
                wrong.append("docs/errors.md:%d: there is no remedy for: %s" % (number, row))
        seen = set()
        for number, row, _ in page:
            if row in seen:
                wrong.append("docs/errors.md:%d: this is here twice: %s" % (number, row))
            seen.add(row)
        for text in sorted(lines):
            if not any(row is not None and covers(row, text) for _, row, _ in page):
                wrong.append("%s: docs/errors.md lacks: %s" % (" ".join(sorted(lines[text])), text))
        print("%d lines, %d rows" % (len(lines), len(page)))
    for one in wrong:
        print(one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
