"""The table of messages: every message an instrument understands, once.

Dispatch, argument checks, ``pdbridge messages``, ``docs/messages.md`` and the tests read this table,
which each instrument writes its part of in `pdbridge.hosts.tables`. Names and argument order are
those of the course patches (SOPI, Aalto University, "Deep Learning with Audio"); messages marked as
ours are added beside them in the same style.
"""

from pdbridge.errors import MessageError
from pdbridge.hosts.message import shown
from pdbridge.hosts.tables import gansynth, halluseq, nsynth, sing

MESSAGES = gansynth.MESSAGES + nsynth.MESSAGES + halluseq.MESSAGES + sing.MESSAGES

BY_ADDRESS = {message.address: message for message in MESSAGES}


def find(instrument, name):
    """The message of this name, or `MessageError` with the names that exist."""
    message = BY_ADDRESS.get(f"/{instrument}/{name}")
    if message is None:
        known = ", ".join(m.name for m in MESSAGES if m.instrument == instrument)
        raise MessageError(f"{instrument} has no message {shown(name)}; it knows {known}")
    return message


SERVER_MESSAGES = (
    ("/status", "", "/status.reply name value ...", "What is loaded, ready, waiting and lost."),
    ("/version", "", "/version.reply name version", "Which server answers."),
    ("/notify", "1-or-0 [port]", "/done /notify",
     "Send this client what instruments report (or stop). A client that listens at another port than "
     "it sends from, as Max does, names that one: reports and all answers go there."),
    ("/sync", "id", "/synced id",
     "Answered when all OSC messages that came before are carried out, but notes still sound, and "
     "what is made in the background is still made."),
    ("/array/set", "name start value...", "/done /array/set name count",
     "Write values into an array of the server; it grows as needed."),
    ("/array/get", "name [start] [count]", "/array/values name start value...",
     "Read an array, at most 4,096 values an answer, then /done /array/get name count."),
    ("/array/write", "name file.wav [sample_rate]", "/done /array/write file",
     "Write an array as a float32 WAV (16 kHz unless said) below the server's working directory."),
    ("/quit", "", "/done /quit", "End the server."),
)


def as_text():
    """The table for the terminal (``pdbridge messages``)."""
    lines = []
    for message in MESSAGES:
        lines.append(f"{message.address} {message.usage()}".rstrip())
        lines.append(f"    {message.help}")
        if message.answer:
            lines.append(f"    answer: {message.answer}")
        if message.reports:
            lines.append(f"    reports: {message.reports}")
    for address, usage, answer, text in SERVER_MESSAGES:
        lines += [f"{address} {usage}".rstrip(), f"    {text}", f"    answer: {answer}"]
    return "\n".join(lines) + "\n"


def as_markdown():
    """The page ``docs/messages.md`` (``pdbridge messages --markdown``)."""
    lines = [
        "# Messages",
        "",
        "Written by `pdbridge messages --markdown` from the tables in `pdbridge/hosts/tables`; "
        "change it there.",
        "",
        "In a patch, send the message to the object; what stands under *answer* comes out of its "
        "outlet. Over OSC, send it to `/<instrument>/<message>`: `/done <address> ...`, with the "
        "answer without its first word, comes when it is carried out, or `/fail <address> <text>`; "
        "long ones send `/progress <address> <0..1>` before. What instruments *report* comes out of "
        "the patch's outlet, and goes to all OSC clients that sent `/notify 1`, as "
        "`/<instrument>/<word> ...`; all words are in [protocol.md](protocol.md).",
        "",
        "Messages are carried out one after the other, in the order in which they came. Those "
        "*in the background* begin in this order too, and the ones behind them go on meanwhile; a "
        "newer one for the same array replaces the older one, which then fails, and `cancel` stops "
        "them.",
    ]
    for instrument in dict.fromkeys(message.instrument for message in MESSAGES):
        lines += ["", f"## {instrument}", "",
                  "| message | arguments | answer | reports | |", "|---|---|---|---|---|"]
        for message in MESSAGES:
            if message.instrument == instrument:
                lines.append(_row(message))
    lines += ["", "Bounds:", ""]
    for message in MESSAGES:
        bounded = [a.described() for a in message.arguments if a.lowest is not None]
        if bounded:
            lines.append(f"- `{message.address}`: " + ", ".join(bounded))
    lines += ["", "## The server itself (OSC only)", "",
              "| message | arguments | answer | |", "|---|---|---|---|"]
    for address, usage, answer, text in SERVER_MESSAGES:
        lines.append(f"| `{address}` | {usage} | `{answer}` | {text} |")
    return "\n".join(lines) + "\n"


def _row(message):
    notes = message.help
    if message.newest_only:
        differs = "" if message.newest_of == 0 else " that differs in its last argument"
        notes += (f" While one waits, a newer one{differs} replaces it, and only the newer one is "
                  "answered.")
    if message.background:
        notes += " Carried out in the background."
    if message.ours:
        notes += " *(ours)*"
    answer = f"`{message.answer}`" if message.answer else ""
    reports = f"`{message.reports}`" if message.reports else ""
    return f"| `{message.name}` | {message.usage()} | {answer} | {reports} | {notes} |"
