"""Rules of the tree about names: of files, of types, and of things that have a name already."""
import collections
import pathlib
import re

import source_tree as tree

# Headers that are not called after a type, because they are about more than one, or about
# functions with a small type beside them. The reason is for the reader of this list.
TOPICS = {
    "actors/agents/answer_check.hpp": "what is no answer: functions",
    "actors/agents/simple_minds.hpp": "two minds of three lines each",
    "actors/agents/minds.hpp": "the table of all minds",
    "actors/agents/templates/template_reader.hpp": "reading a template: a function",
    "actors/agents/wait_span.hpp": "spans of what an agent waits for: functions",
    "actors/llm/anthropic/anthropic_messages.hpp": "messages as JSON: functions",
    "actors/llm/offline/offline_model.hpp": "the model is a function",
    "actors/llm/offline/paraphrases.hpp": "two tables of words",
    "actors/llm/safety/safety_scan.hpp": "rules, and functions that follow them",
    "actors/llm/offline/question.hpp": "reading a question: functions",
    "actors/text/text.hpp": "sentences, passages and quotations: functions",
    "config/base/result.hpp": "`outcome` and `result` are aliases and templates of one library",
    "config/config.hpp": "the whole configuration",
    "config/embedded.hpp": "files that are built in",
    "config/keys.hpp": "the table of all keys",
    "config/prices.hpp": "money, and the table of prices",
    "config/routes.hpp": "a section of the configuration",
    "config/providers.hpp": "two sections of the configuration",
    "config/yaml.hpp": "nodes and a reader of them",
    "messages/contracts.hpp": "the table of who may send what",
    "messages/errors.hpp": "codes, failures and their table",
    "messages/ids.hpp": "ids of two widths, and their kinds",
    "messages/value_bytes.hpp": "values as bytes: walks and views",
    "messages/wire.hpp": "the wire format: records, routes, chunks",
    "nodes/cli/commands.hpp": "the flags of every command",
    "nodes/cli/documents.hpp": "finding documents in folders: functions",
    "nodes/cli/find_cluster.hpp": "functions that attach to a cluster",
    "nodes/cli/output.hpp": "what commands print: functions",
    "nodes/cli/text_detection.hpp": "functions that guess an encoding",
    "nodes/cli/trace_tree.hpp": "functions that order spans",
    "nodes/cli/trace_view.hpp": "a function that draws a trace",
    "nodes/cli/upload.hpp": "functions that send documents",
    "nodes/cluster_files.hpp": "the data folder of a local cluster",
    "nodes/http/request_head.hpp": "reading the head of a request: a function",
    "nodes/lasting_client.hpp": "the class is hidden behind the client's interface",
    "nodes/node.hpp": "a node is run by a function",
    "nodes/wiring.hpp": "the logics of a node: a function",
    "persistence/identity.hpp": "functions for one small file",
    "persistence/journal/journal_keys.hpp": "rows and their keys: functions",
    "telemetry/curl_handles.hpp": "owners of libcurl's handles: aliases",
    "telemetry/log.hpp": "levels, lines and where they go",
    "telemetry/log_format.hpp": "functions that write a line",
    "telemetry/otlp.hpp": "encoding for export: functions",
    "telemetry/otlp_retry.hpp": "when an export is tried again: functions",
    "telemetry/trace_words.hpp": "the names of spans, attributes and events",
}

# Nested types that several classes have, each its own: ARCHITECTURE.md, "Words".
NESTED_EVERYWHERE = {"phase", "stage", "state", "status", "options", "entry", "part", "put_result",
                     "timer_id"}

TYPE_HEAD = re.compile(r"\b(class|struct|union|enum(?:\s+class|\s+struct)?)\s+"
                       r"(?:(?:alignas\s*\([^)]*\)|\[\[[^\]]*\]\])\s*)*(\w+)(?:\s+final)?"
                       r"\s*(?::(?!:)[^{}()]*(?:\([^{}()]*\)[^{}()]*)*)?$")
NAMESPACE_HEAD = re.compile(r"\b(?:inline\s+)?namespace\b[\w\s:]*$|\bextern\s*$")
MARK = re.compile(r"[{};]|\b(?:public|private|protected)\s*:(?!:)")

Definition = collections.namedtuple("Definition", "kind name line level")


def definitions(text):
    """The types that a file defines; `level`: "top" (in namespaces alone), "nested" in a type, or
    "local" in a function."""
    text = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m[0].count("\n"),
                  tree.blanked(text))  # without macros
    found, stack, since = [], [], 0
    for mark in MARK.finditer(text):
        if mark[0] == "{":
            head = text[since:mark.start()].rstrip()
            kind = TYPE_HEAD.search(head)
            if kind:
                level = "local" if "code" in stack else "nested" if "type" in stack else "top"
                line = text.count("\n", 0, since + kind.start()) + 1
                found.append(Definition(kind[1].split()[0], kind[2], line, level))
                stack.append("type")
            else:
                stack.append("namespace" if NAMESPACE_HEAD.search(head) else "code")
        elif mark[0] == "}" and stack:
            stack.pop()
        since = mark.end()
    return found


def is_called_after(stem, text, found):
    """Whether the header defines something that has the name of the file."""
    return (any(d.name == stem for d in found if d.level == "top")
            or re.search(rf"(?m)^using {stem} =", text))


def check_names(root, files):
    """No two files and no two types share a name; a header has the name of what it holds."""
    stems, types = {}, {}
    for name in files:
        if not name.endswith(tree.CODE) or name.startswith("tests/"):
            continue
        path = pathlib.Path(name)
        text = tree.read(root / name)
        found = definitions(text)
        for kind, called, line, level in found:
            if level == "local" or (level == "nested" and called in NESTED_EVERYWHERE):
                continue
            if called in types:
                yield name, line, f"{types[called]} has a type called {called}, too"
            elif called not in NESTED_EVERYWHERE:
                types[called] = name
        if stems.setdefault(path.name, name) != name:
            yield name, 1, f"{stems[path.name]} has that name, too"
        if path.suffix != ".hpp":
            continue
        held = [d for d in found if d.level == "top" and d.kind in ("class", "struct")]
        if not held or is_called_after(path.stem, text, found):
            if name in TOPICS:
                yield name, 1, "is called after a type: take it out of TOPICS (tree_names.py)"
        elif name not in TOPICS:
            names = ", ".join(d.name for d in held)
            yield name, held[0].line, (f"a file that holds {names} is called after one of them"
                                       " (or TOPICS in tree_names.py says why not)")


# Words with one meaning: where a pattern must not stand, and what to say instead.
COORDINATION = "actors/coordination/"
EVERYWHERE = re.compile("")


def word(text):
    """The word, its plural, a member called so."""
    return re.compile(rf"\b{text}(?:e?s)?_?\b")


WORDS_WITH_ONE_MEANING = [  # (shown as, pattern, where it must not stand, what to say)
    ("verdict", word("verdict"), EVERYWHERE,
     "put_result, delivery_state, reaction or ruling say which"),
    ("lane", word("lane"),
     re.compile(f"(?!{COORDINATION})|{COORDINATION}(queue_logic|queue_owners|waiting)"),
     "a role's tasks as placement sees them; a queue has pools"),
    ("place", word("place"), re.compile(COORDINATION),
     "node, slot, position (in a file) or cursor say which"),
    ("place(", re.compile(r"\bplace\s*\("), re.compile("nodes/"),
     "the post places actors; a column, a terminal or a position is called so"),
    ("batch", word("batch"), re.compile(COORDINATION), "an offer is a message with tasks"),
    ("question", word("question"), re.compile(COORDINATION),
     "open_query, or the name of the message"),
    ("change", word("change"), re.compile(COORDINATION), "node_changes are what membership told"),
    ("prompt", re.compile(r"\b(?:class|struct|using) prompt\b"), EVERYWHERE,
     "typed_template has variables, model_prompt is what the offline model reads"),
    ("outcome", re.compile(r"\b(?:class|struct|enum|using)(?: class)? outcome\b"),
     re.compile(r"(?!config/base/result\.hpp)"), "a value or an error (config/base/result.hpp)"),
    ("outcome_known", re.compile(r"\boutcome_known\b"), re.compile(r"actors/agents/\w*_mind\."),
     "call an event after what it is: reading, model, stored"),
    ("head_of", re.compile(r"^[\w:<>&*]+(?: [\w:<>&*]+)* head_of\("),
     re.compile(r"(?!messages/envelope\.)"), "an envelope without its body (messages/envelope)"),
    ("run_report", re.compile(r"\b(?:class|struct|using) run_report\b"), EVERYWHERE,
     "the file nodes/cli/run_report prints; run_outcomes is what a run came to"),
]
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def check_meanings(root, files):
    for name in files:
        if not name.endswith(tree.CODE) or name.startswith("tests/"):
            continue
        rules = [(shown, pattern, say) for shown, pattern, where, say in WORDS_WITH_ONE_MEANING
                 if where.match(name)]
        for number, line in enumerate(tree.read(root / name).splitlines(), 1):
            code = STRING.sub('""', line).split("//")[0]
            for shown, pattern, meaning in rules:
                if pattern.search(code):
                    yield name, number, f"`{shown}` means one thing: {meaning}"


SELF_TEST = [  # as in check_tree.py
    ("nodes/held.hpp", "#pragma once\nclass holder {\n};\n", "2: a file that holds holder is"),
    ("nodes/beside.hpp", "#pragma once\nenum class how { a };\nclass alignas(64) aligned {\n};\n",
     "3: a file that holds aligned is"),
    ("nodes/plain.hpp", "#pragma once\nnamespace n {\nstruct one {\n};\nstruct two {};\n}\n",
     "3: a file that holds one, two is"),
    ("nodes/three.hpp", "#pragma once\nstruct other_three {\n};\nusing three = other_three;\n", ""),
    ("nodes/named.hpp", "#pragma once\nclass [[nodiscard]] named final : public b {\n};\n", ""),
    ("nodes/wiring.hpp", "#pragma once\nstruct node_parts {\n};\n", ""),
    ("nodes/node.hpp", "#pragma once\nclass node {\n};\n", "1: is called after a type: take it"),
    ("nodes/own.hpp", "#pragma once\n", ""),
    ("telemetry/own.hpp", "#pragma once\n", "1: nodes/own.hpp has that name"),
    ("telemetry/twice.cpp", "struct holder {\n};\n", "1: nodes/held.hpp has a type called"),
    ("telemetry/line.cpp", "struct sx {}; struct sx {};\n", "1: telemetry/line.cpp has a type"),
    ("telemetry/hidden.cpp", "namespace {\nnamespace m {\n  class holder final {\n};\n}\n}\n",
     "3: nodes/held.hpp has a type called"),
    ("telemetry/inner_a.cpp", "class ina {\n  enum class phase { a };\n  struct row {};\n};\n", ""),
    ("telemetry/inner_b.cpp", "class inb {\n  enum class phase { a };\n  struct row {};\n};\n",
     "3: telemetry/inner_a.cpp has a type called row"),
    ("telemetry/local.cpp", "void f() {\n  struct row {};\n}\ntemplate <>\n"
     "struct std::hash<ina> {\n};\nstruct stat about {};\n", ""),
    ("nodes/meant.cpp", "enum verdict { a };\n", "1: `verdict` means one thing"),
    ("nodes/said.cpp", 'f("a verdict"); // a verdict\nint place;\n', ""),
    ("nodes/lanes.cpp", "int lanes_;\n", "1: `lane` means one thing"),
    ("nodes/placed.cpp", "auto x = place(3);\n", "1: `place(` means one thing"),
    ("actors/coordination/placement.cpp", "int lane;\n", ""),
    ("actors/coordination/queue_logic.cpp", "int lane;\n", "1: `lane` means one thing"),
    ("actors/coordination/task_offers.cpp", "int place;\n",
     "1: `place` means one thing"),
    ("actors/coordination/batched.cpp", "int batches_;\n", "1: `batch` means one thing"),
    ("actors/coordination/asked.cpp", "int question;\n", "1: `question` means one thing"),
    ("actors/coordination/changed.cpp", "int changes;\n", "1: `change` means one thing"),
    ("actors/coordination/README.md", "ok\n", ""),
    ("telemetry/prompts.cpp", "struct prompt;\n", "1: `prompt` means one thing"),
    ("telemetry/outcomes.cpp", "enum class outcome { a };\n", "1: `outcome` means one thing"),
    ("actors/agents/x_mind.cpp", "f(blobs outcome_known);\n",
     "1: `outcome_known` means one thing"),
    ("actors/agents/y.cpp", "auto outcome_known = f();\n", ""),
    ("actors/agents/README.md", "ok\n", ""),
    ("telemetry/heads.cpp", "std::string head_of(int a) {\n  return head_of(b);\n}\n",
     "1: `head_of` means one thing"),
    ("telemetry/reports.cpp", "class run_report;\n", "1: `run_report` means one thing"),
]
