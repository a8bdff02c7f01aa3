"""``pdbridge gansynth``: notes, hallucinations, MIDI files and found sounds from a GANSynth checkpoint."""

from pdbridge.commands import ganspace
from pdbridge.commands.options import LARGEST, add_original, between, named, pitch, seed, whole
from pdbridge.places import BUILT_IN_MODEL
from pdbridge.progress import counted


def add_to(commands):
    """Add ``pdbridge gansynth ...`` to the command line (argparse's subparsers)."""
    gansynth = commands.add_parser("gansynth", help="make notes, hallucinations and MIDI clips with a GANSynth")
    commands = gansynth.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_hallucinate(commands)
    _add_generate(commands)
    _add_match(commands)
    ganspace.add_to(commands)


def _add_hallucinate(commands):
    hallucinate = commands.add_parser(
        "hallucinate", help="walk through random timbres, sounds overlapping",
        description="Draw random timbres, walk from one to the next, and string the sounds on the way together "
        "into OUT, a WAV at 16 kHz with a peak of 0.5. All times are in seconds.", allow_abbrev=False)
    hallucinate.add_argument("out", metavar="OUT.wav", help="the file to write")
    _add_common(hallucinate)
    hallucinate.add_argument("--points", metavar="N", type=_count, default=10,
                             help="random timbres (%(default)s)")
    add_original(hallucinate, "interpolation_steps", metavar="N", type=whole(0, 100_000), default=10,
                 help="steps from one to the next (%(default)s)")
    for name, default, meaning in (
            ("spacing", 0.2, "from one sound to the next"),
            ("start_trim", 0.0, "left out at the start of each sound"),
            ("attack", 0.5, "fade in"), ("sustain", 0.5, "full level"), ("release", 0.5, "fade out")):
        add_original(hallucinate, name, metavar="S", type=_seconds, default=default,
                     help=f"{meaning} (%(default)s)")
    hallucinate.add_argument("--pitch", metavar="P", type=pitch,
                             help="MIDI pitch of all sounds (32, or what the model knows nearest to it)")
    hallucinate.set_defaults(run=_hallucinate)


def _add_generate(commands):
    generate = commands.add_parser(
        "generate", help="play a MIDI file, or make random notes",
        description="With a MIDI file: play it in timbres that change over time, and write generated_clip.wav. "
        "Without one: make random notes, generated_0.wav, generated_1.wav and so on.", allow_abbrev=False,
        epilog="Flags with an underscore are the original program's.")
    _add_common(generate)
    add_original(generate, "output_dir", metavar="DIR", required=True,
                 help="the folder for the results; made if need be")
    add_original(generate, "batch_size", metavar="N", type=_count, default=8,
                 help="how many random notes (%(default)s); changes nothing with a MIDI file")
    generate.add_argument("--pitch", metavar="P", type=pitch,
                          help="MIDI pitch of the random notes (any that the model knows)")
    midi = generate.add_argument_group("with a MIDI file")
    add_original(midi, "midi_file", metavar="FILE", help="the file; drums (channel 10) are left out")
    add_original(midi, "secs_per_instrument", metavar="S", type=_interval,
                 help="seconds from one random timbre to the next (6)")
    midi.add_argument("--instruments", metavar="A.npy,B.npy", type=_names,
                      help="the timbres, in place of random ones: saved z, spread evenly over the clip")
    midi.add_argument("--drums", action="store_true", help="play channel 10, too")
    midi.add_argument("--strict", action="store_true",
                      help="leave out notes that the model does not know, instead of transposing them")
    midi.add_argument("--stems", action="store_true",
                      help="also write generated_clip_<track>.wav for each track; together they are the clip")
    space = generate.add_argument_group("with GANSpace components")
    add_original(space, "edits_file", metavar="FILE", help="the components, see pdbridge gansynth ganspace")
    space.add_argument("--edits", metavar="A,B,C", type=_numbers,
                       help="what to add along the first components (--edits=-1,2 if the first is negative)")

    def run(options):
        if not options.midi_file:
            for name in ("secs_per_instrument", "instruments", "drums", "strict", "stems"):
                if getattr(options, name):
                    generate.error(f"--{name} is for a MIDI file (--midi_file FILE)")
        elif options.pitch is not None:
            generate.error("--pitch is for random notes; a MIDI file has its own")
        if options.instruments and (options.secs_per_instrument or options.seed is not None):
            generate.error("--seed and --secs_per_instrument are for random timbres; --instruments names them")
        if bool(options.edits_file) != bool(options.edits):
            generate.error("--edits_file and --edits go together")
        return _generate(options)

    generate.set_defaults(run=run)


def _add_match(commands):
    match = commands.add_parser(
        "match", help="find a timbre that sounds like a recording",
        description="Find a timbre (z) whose note is near the recorded note in FILE. Many random timbres are heard "
        "first; from the nearest ones it is downhill. OUT.npy gets the z, OUT_note.wav its note, as loud as the "
        "recording, and OUT_target.wav the recording as it was compared: from its onset on, one channel, tuned "
        "to the model, as long as its notes. The distance is 0 for equal sounds; 1 is as far as silence.",
        allow_abbrev=False)
    match.add_argument("file", metavar="FILE", help="one recorded note: WAV, FLAC, AIFF or OGG, of any rate")
    match.add_argument("--out", metavar="OUT.npy", required=True, help="the file for the z")
    _add_common(match)
    match.add_argument("--pitch", metavar="P", type=_pitch_of_recording, default=None,
                       help="MIDI pitch of the recording; detect (default) listens, and needs "
                       "pip install \"pdbridge[pitch]\"")
    match.add_argument("--random", metavar="N", type=whole(1, 10_000), default=48,
                       help="random timbres that are heard first (%(default)s)")
    match.add_argument("--starts", metavar="N", type=whole(1, 64), default=4,
                       help="how many of them are gone downhill from (%(default)s)")
    match.add_argument("--steps", metavar="N", type=whole(0, 10_000), default=100,
                       help="steps downhill; the half of the starts that is behind is given up after a quarter of "
                       "them, and again after half (%(default)s)")
    match.set_defaults(run=_match)


def _add_common(command):
    add_original(command, "ckpt_dir", metavar="DIR", default=BUILT_IN_MODEL,
                 help="the model's folder, or its name (%(default)s)")
    command.add_argument("--seed", metavar="N", type=seed,
                         help="the same seed makes the same again; without it one is drawn and printed")
    command.add_argument("--overwrite", action="store_true", help="replace results that are there")


# What options look like


_count = whole(1, 100_000)


@named("time in seconds (0 or more)")
def _seconds(text):
    return between(float(text), 0, LARGEST)


@named("time in seconds (0.01 or more)")
def _interval(text):
    return between(float(text), 0.01, LARGEST)


@named("list of files (a.npy,b.npy)")
def _names(text):
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ValueError
    return names


@named("list of numbers (e.g. 1.5,-2,0)")
def _numbers(text):
    return [between(float(number), -LARGEST, LARGEST) for number in text.split(",")]


@named("pitch (detect, or 0 to 127)")
def _pitch_of_recording(text):
    return None if text == "detect" else pitch(text)


# What the commands do


def _hallucinate(options):
    from pdbridge.gansynth import clips
    from pdbridge.gansynth.hallucination import Settings

    settings = Settings(options.spacing, options.start_trim, options.attack, options.sustain, options.release)
    seconds = clips.hallucinate(options.ckpt_dir, options.out, options.points, options.interpolation_steps,
                                settings, options.pitch, options.seed, options.overwrite)
    print(f"{seconds:g} s in {options.out}")


def _generate(options):
    from pdbridge.gansynth import clips

    same = {"seed": options.seed, "components": options.edits_file, "edits": options.edits,
            "overwrite": options.overwrite}
    if not options.midi_file:
        made = clips.generate_notes(options.ckpt_dir, options.output_dir, options.batch_size, options.pitch,
                                    **same)
        print(f"{counted(made, 'note')} in {options.output_dir}")
        return
    notes, seconds = clips.generate_clip(
        options.midi_file, options.ckpt_dir, options.output_dir, options.secs_per_instrument or 6.0,
        instruments=options.instruments, drums=options.drums, strict=options.strict, stems=options.stems,
        **same)
    print(f"{clips.CLIP} in {options.output_dir}: {counted(notes, 'note')}, {seconds:g} s")


def _match(options):
    from pdbridge.gansynth import clips
    from pdbridge.gansynth.matching import Effort

    effort = Effort(options.random, options.starts, options.steps)
    found = clips.match(options.file, options.out, options.ckpt_dir, options.pitch, options.seed, effort,
                        options.overwrite)
    print(f"{options.out}: distance {found.distance:.3f}; the nearest of {counted(options.random, 'random timbre')}: "
          f"{found.random_distance:.3f}")
