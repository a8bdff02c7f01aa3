"""``pdbridge models``: which models there are, and published ones from the network."""

import sys


def add_to(commands):
    """Add ``pdbridge models ...`` to the command line (argparse's subparsers)."""
    models = commands.add_parser("models", help="list the models, download published ones")
    models = models.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = models.add_parser(
        "list", help="list what is built in, in the cache, and can be downloaded",
        description="List the models that commands and patches find by name, and the published ones that "
        "pdbridge models download brings.", allow_abbrev=False)
    listing.set_defaults(run=_list)

    download = models.add_parser(
        "download", help="download a published model to the cache",
        description="Download a published model, test it and unpack it in the cache, where commands and "
        "patches find it by its name. Stop it whenever you like; the same command goes on where it was.",
        allow_abbrev=False, epilog="PDBRIDGE_CACHE names another folder for the cache.")
    download.add_argument("name", metavar="NAME", help="see pdbridge models list")
    download.set_defaults(run=_download)


def _list(options):
    from pdbridge import downloads
    from pdbridge.places import models_folder

    built_in, cache = models_folder(), downloads.models_in_cache()
    for where, folder in (("built in", built_in), ("in the cache", cache)):
        print(f"{where} ({folder})")
        there = list(downloads.models_in(folder))
        for name, kind, size in there:
            print(f"  {name:18}{kind}, {downloads.in_bytes(size)}")
        if not there:
            print("  none")
    print("for download (pdbridge models download NAME)")
    kept = {name for name, _, _ in downloads.models_in(cache)}
    for model in downloads.CATALOGUE:
        if model.name in kept:
            continue
        size = f"about {downloads.in_bytes(model.size)}" if model.size else "size unknown"
        begun = downloads.arrived(model)
        print(f"  {model.name:18}{model.instrument}, {model.description}; {size}"
              + (f", {downloads.in_bytes(begun)} of it here" if begun else ""))
        print(f"  {'':18}{model.licence}; {model.address}")


PLAY = {"GANSynth": "pdbridge play --model {}", "NSynth": "pdbridge nsynth generate SOUNDS --output NOTES --model {}"}


def _download(options):
    from pdbridge import downloads

    model = downloads.published(options.name)
    print(f"{model.name}: {model.description}; {model.licence}", flush=True)
    try:
        folder = downloads.download(model)
    except KeyboardInterrupt:
        print("\npdbridge: stopped; what arrived is kept, the same command goes on from there", file=sys.stderr)
        raise
    how = f"; {PLAY[model.instrument].format(model.name)}" if model.instrument in PLAY else ""
    print(f"{model.name} is in {folder}{how}")
