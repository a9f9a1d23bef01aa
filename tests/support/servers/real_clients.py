#!/usr/bin/env python3
"""Asks a server with OpenAI's and Anthropic's APIs by the clients of these firms.

  real_clients.py URL     says what it did; ends with an error at the first thing that is wrong

`URL` is a `troupe simulate --strict` whose rules are those of tests/e2e/simulate_test.cpp.
"""
import json
import sys

import anthropic
import openai

URL = sys.argv[1]
OPEN = openai.OpenAI(base_url=URL + "/v1", api_key="sk-client", max_retries=0, timeout=10)
CLAUDE = anthropic.Anthropic(base_url=URL, api_key="sk-client", max_retries=0, timeout=10)
ASKED = [{"role": "user", "content": "Where is the stapler?"}]
WEATHER = {"type": "object", "properties": {"city": {"type": "string"},
                                            "days": {"type": "integer", "minimum": 1}},
           "required": ["city", "days"], "additionalProperties": False}


def openai_chats():
    whole = OPEN.chat.completions.create(model="gpt-4o", messages=ASKED, seed=7)
    said = whole.choices[0].message.content
    assert said and whole.choices[0].finish_reason == "stop", whole
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    pieces = list(OPEN.chat.completions.create(model="gpt-4o", messages=ASKED, seed=7, stream=True,
                                               stream_options={"include_usage": True}))
    joined = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert joined == said, (joined, said)
    assert pieces[-1].usage == whole.usage, pieces[-1]
    several = OPEN.chat.completions.create(model="gpt-4o", messages=ASKED, n=3, max_tokens=4,
                                           logprobs=True, top_logprobs=2)
    assert [c.index for c in several.choices] == [0, 1, 2]
    assert all(c.finish_reason == "length" for c in several.choices), several
    assert len(several.choices[0].logprobs.content) == 4, several


def openai_tools():
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    first = OPEN.chat.completions.create(model="gpt-4o", messages=messages, tools=[tool])
    call = first.choices[0].message.tool_calls[0]
    assert first.choices[0].finish_reason == "tool_calls" and call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city", "days"}, call
    messages += [first.choices[0].message.model_dump(exclude_none=True),
                 {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    last = OPEN.chat.completions.create(model="gpt-4o", messages=messages, tools=[tool])
    assert last.choices[0].message.content, last
    with OPEN.chat.completions.stream(model="gpt-4o", messages=messages[:1],
                                      tools=[tool]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == call.function.arguments
    shaped = OPEN.chat.completions.create(
        model="gpt-4o", messages=ASKED,
        response_format={"type": "json_schema",
                         "json_schema": {"name": "w", "schema": WEATHER, "strict": True}})
    assert set(json.loads(shaped.choices[0].message.content)) == {"city", "days"}, shaped


def openai_rest():
    made = OPEN.embeddings.create(model="embed", input=["one", "two"], dimensions=8)
    assert [len(e.embedding) for e in made.data] == [8, 8] and made.usage.prompt_tokens == 2
    names = {model.id for model in OPEN.models.list()}
    assert names == {"gpt-4o", "claude-x", "embed"}, names
    assert OPEN.models.retrieve("embed").id == "embed"


def claude_messages():
    whole = CLAUDE.messages.create(model="claude-x", max_tokens=50, messages=ASKED)
    said = whole.content[0].text
    assert whole.stop_reason == "end_turn" and whole.usage.output_tokens == len(said.split(" "))
    with CLAUDE.messages.stream(model="claude-x", max_tokens=50, messages=ASKED) as stream:
        joined = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert joined == said and final.usage.output_tokens == whole.usage.output_tokens
    tool = {"name": "weather", "description": "Foretells", "input_schema": WEATHER}
    messages = [{"role": "user", "content": "What is the weather in Oslo?"}]
    with CLAUDE.messages.stream(model="claude-x", max_tokens=50, messages=messages,
                                tools=[tool]) as stream:
        used = stream.get_final_message()
    call = [block for block in used.content if block.type == "tool_use"][0]
    assert used.stop_reason == "tool_use" and set(call.input) == {"city", "days"}, used
    messages += [{"role": "assistant", "content": used.content},
                 {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id,
                                               "content": "rain"}]}]
    last = CLAUDE.messages.create(model="claude-x", max_tokens=50, messages=messages, tools=[tool])
    assert last.content[0].text, last
    thought = CLAUDE.messages.create(model="claude-x", max_tokens=2000, messages=ASKED,
                                     thinking={"type": "enabled", "budget_tokens": 1024})
    assert thought.content[0].type == "thinking" and thought.content[0].signature, thought
    counted = CLAUDE.messages.count_tokens(model="claude-x", messages=ASKED)
    assert counted.input_tokens == whole.usage.input_tokens
    assert {model.id for model in CLAUDE.models.list()} == {"gpt-4o", "claude-x", "embed"}


def refused(error, call, **more):
    """The client makes of an answer the exception that it has for that status."""
    try:
        call(**more)
    except error as seen:
        return seen
    raise AssertionError(f"{error.__name__} did not come")


def faults():
    def chat(fault, client=OPEN, model="gpt-4o"):
        return refused_with(client.chat.completions.create, fault, model)

    def refused_with(create, fault, model):
        return lambda **more: create(model=model, messages=ASKED,
                                     extra_headers={"X-Simulate-Fault": fault}, **more)

    for fault, error in (("unauthorized", openai.AuthenticationError),
                         ("forbidden", openai.PermissionDeniedError),
                         ("rate_limited", openai.RateLimitError),
                         ("server_error", openai.InternalServerError),
                         ("unavailable", openai.InternalServerError),
                         ("reset", openai.APIConnectionError)):
        refused(error, chat(fault))
    slow = refused(openai.APITimeoutError, chat("hang"), timeout=0.2)
    assert slow
    refused(openai.NotFoundError, OPEN.chat.completions.create, model="no", messages=ASKED)
    refused(openai.BadRequestError, OPEN.chat.completions.create, model="gpt-4o", messages=[])
    for fault, error in (("unauthorized", anthropic.AuthenticationError),
                         ("rate_limited", anthropic.RateLimitError),
                         ("overloaded", anthropic.InternalServerError)):
        refused(error, refused_with(CLAUDE.messages.create, fault, "claude-x"), max_tokens=9)
    broken = refused(anthropic.APIStatusError, lambda: list(CLAUDE.messages.create(
        model="claude-x", max_tokens=9, messages=ASKED, stream=True,
        extra_headers={"X-Simulate-Fault": "stream_error"})))
    assert "error" in str(broken).lower()


for part in (openai_chats, openai_tools, openai_rest, claude_messages, faults):
    part()
    print(part.__name__, "fine", flush=True)
