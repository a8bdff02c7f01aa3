"""The command ``pdbridge``: what it understands, and where each command lives.

Modules that take time to load are imported inside the commands, so that ``pdbridge --help`` and a
mistyped option answer at once.
"""

import argparse
import sys

import pdbridge
from pdbridge.commands import dataset, doctor, gansynth, grid, models, nsynth, plot, sing, train
from pdbridge.errors import PdbridgeError
from pdbridge.places import BUILT_IN_MODEL, PORT, patches_folder


def main(arguments=None):
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process, if left out.

    Returns
    -------
    int
        Exit code: 0, 1 for an error (one line on stderr), 130 after Ctrl-C. A command line that
        cannot be understood ends in SystemExit with 2, as argparse does it.
    """
    options = parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # e.g. pdbridge messages | head
        sys.stderr.close()  # or Python complains once more at exit
        return 1
    except Exception as error:
        if options.debug:
            raise
        print(f"pdbridge: {_in_one_line(error)}", file=sys.stderr)
        return 1


def _in_one_line(error):
    text = " ".join(str(error).split())
    if isinstance(error, (PdbridgeError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (a bug; pdbridge --debug ... shows where)"


def parser():
    """The command line, for argparse."""
    top = argparse.ArgumentParser(
        prog="pdbridge", description="Play neural synthesizers live from Pure Data, Max, MIDI and OSC.")
    top.add_argument("--version", action="version", version=f"pdbridge {pdbridge.__version__}")
    top.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    play = commands.add_parser(
        "play", help="start the server, open a patch in Pd and play a short phrase",
        description="Start the server and open a patch in the Pd that is found. With a screen the "
        "patch stays open for playing. Without a screen, a sound card or Pd the phrase is written to "
        "a WAV.")
    play.add_argument("instrument", nargs="?", metavar="PATCH", default="gansynth", choices=(
        "gansynth", "gansynth_multi", "gansynth_hallucination", "ganspacesynth", "nsynth", "sing"),
        help="gansynth: a model that makes notes (default); gansynth_multi: four timbres under a pad; "
        "gansynth_hallucination: a walk through timbres; ganspacesynth: components of the model; "
        "nsynth: a note grid under a pad; sing: the instruments of a SING")
    play.add_argument("--wav", metavar="FILE", help="write the phrase to this file as well")
    play.add_argument("--no-gui", action="store_true", help="do as if there were no screen")
    play.add_argument("--phrase", action=argparse.BooleanOptionalAction, default=True,
                      help="play the phrase (default), or only open the patch")
    _add_model(play, "; sing plays a SING's file, the published one if it was downloaded", default=None)
    _add_grid(play)
    play.add_argument("--port", type=_port, default=None,
                      help=f"UDP port of the server ({PORT}, or a free one if that is taken)")
    play.set_defaults(run=_play)

    serve = commands.add_parser(
        "serve", help="start the server that patches and OSC tools talk to",
        description="Start the server and leave it running; Ctrl-C ends it.")
    _add_model(serve, "; it stays loaded beside what patches load. none: no model")
    _add_grid(serve)
    serve.add_argument("--port", type=_port, default=PORT, help="UDP port (%(default)s)")
    serve.add_argument("--host", default="127.0.0.1",
                       help="address to listen on (%(default)s: this computer only)")
    serve.add_argument("--midi-in", metavar="NAME", help="play from this MIDI input (see midi-ports)")
    serve.add_argument("--folder", metavar="DIR", action="append", default=[],
                       help="a folder that OSC clients may read and write files in; may be repeated")
    serve.set_defaults(run=_serve)

    gansynth.add_to(commands)
    nsynth.add_to(commands)
    sing.add_to(commands)
    grid.add_to(commands)
    dataset.add_to(commands)
    plot.add_to(commands)
    models.add_to(commands)
    train.add_to(commands)

    patches = commands.add_parser("patches", help="print the folder of the patches")
    patches.set_defaults(run=lambda options: print(patches_folder()))

    messages = commands.add_parser("messages", help="list the messages that instruments understand")
    messages.add_argument("--markdown", action="store_true", help="as a page for docs/")
    messages.set_defaults(run=_messages)

    midi_ports = commands.add_parser("midi-ports", help="list the MIDI inputs")
    midi_ports.set_defaults(run=_midi_ports)

    doctor.add_to(commands)
    return top


def _add_model(command, more="", default=BUILT_IN_MODEL):
    command.add_argument("--model", metavar="NAME", default=default,
                         help=f"a GANSynth's folder or a SING's file, or its name ({BUILT_IN_MODEL}){more}")


def _add_grid(command):
    command.add_argument("--grid", metavar="FILE", help="the note grid that nsynth plays until a patch loads "
                         "another (default: the first grid, made by the built-in model)")


def _port(text):
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError
    return port


_port.__name__ = "UDP port (1 to 65535)"  # argparse says: invalid UDP port (1 to 65535) value


def _play(options):
    from pdbridge import play

    return play.play(options.instrument, wav=options.wav, gui=not options.no_gui, phrase=options.phrase,
                     model=options.model, grid=options.grid, port=options.port)


def _serve(options):
    from pdbridge.server import serve

    model = None if options.model == "none" else options.model
    return serve(options.host, options.port, model, midi_in=options.midi_in,
                 folders=options.folder, grid=options.grid)


def _messages(options):
    from pdbridge.hosts import messages

    print(messages.as_markdown() if options.markdown else messages.as_text(), end="")


def _midi_ports(options):
    from pdbridge import midi

    names = midi.port_names()
    print("\n".join(names) if names else "no MIDI input was found")
