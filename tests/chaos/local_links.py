#!/usr/bin/env python3
"""Another user of the machine was there first, with folders, secrets and links (needs root, which
can act as two users).

Held: a folder or a secret of the other user is refused. Neither a cluster nor a report follows that
user's links or changes anything behind them. Others can read nothing of a cluster.
"""
import os
import pathlib
import stat

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 1, 1, "times all of it is tried"
NOBODY = 65534
LINKED = ("up.log", "lock", "node-1/output.log", "node-1/log.jsonl", "node-1/lock")
REFUSED = 73


def give_away(path):
    os.lchown(path, NOBODY, NOBODY)
    return path


def planted_folder(world):
    """A world-writable folder of the user nobody, with a secret of that user."""
    data = pathlib.Path(world.folder("planted"))
    (data / "secret").write_text("a" * 64 + "\n")
    (data / "secret").chmod(0o600)
    data.chmod(0o777)
    give_away(data / "secret")
    return give_away(data)


def up(world, data):
    return world.troupe("up", "--nodes", "1", "--detach", "--data", str(data))


def refuse_folders(world):
    data = planted_folder(world)
    for place in (data, data / "below"):
        done = up(world, place)
        chaos.hold(done.code == REFUSED and str(NOBODY) in done.words,
                   f"a folder of another user is refused: {done.code} {done.words}")
    done = world.troupe("send", "librarian/a", "Remember: a secret plan.", "--data", str(data))
    chaos.hold(done.code != 0, "nothing is sent with a secret of another user")
    chaos.hold(sorted(p.name for p in data.iterdir()) == ["secret"], "nothing was made in it")


def refuse_links(world):
    data = pathlib.Path(world.folder("linked"))
    (data / "node-1").mkdir()
    for name in LINKED:
        precious = data / "precious"
        precious.write_text("precious")
        give_away_link(data / name, precious)
        done = up(world, data)
        chaos.hold(done.code != 0 and "link" in done.words,
                   f"{name}, a link, is refused: {done.code} {done.words}")
        chaos.hold(precious.read_text() == "precious", f"what {name} leads to is unchanged")
        (data / name).unlink()


def give_away_link(path, to):
    path.unlink(missing_ok=True)
    path.symlink_to(to)
    give_away(path)


def refuse_secret(world, cluster):
    secret = pathlib.Path(world.folder("secret")) / "secret"
    secret.write_bytes(cluster.secret() + b"\n")
    secret.chmod(0o600)
    give_away(secret)
    done = world.troupe("status", "--peer", cluster.addresses()[0][0], "--secret-file", str(secret))
    chaos.hold(done.code != 0 and str(NOBODY) in done.words,
               f"a secret of another user is refused: {done.code} {done.words}")


def write_report(world, cluster):
    """--output where links wait: at its name and at the former name of its temporary file."""
    folder = pathlib.Path(world.folder("for-all"))
    folder.chmod(0o1777)
    precious, report = folder / "precious", folder / "report.md"
    precious.write_text("precious")
    give_away_link(report, precious)
    done = cluster.on("run", "chain", "--output", str(report))
    chaos.hold(done.code == REFUSED, f"a link is no output file: {done.code} {done.words}")
    report.unlink()
    guessed = f'ln -s {precious} {report}.$$.tmp; exec "$0" run chain --output {report} "$@"'
    done = world.troupe("-c", guessed, world.program, "--data", cluster.data, program="/bin/sh")
    chaos.hold(done.code == 0, f"a guessed name does not hinder a report: {done.words}")
    chaos.hold(precious.read_text() == "precious", "what a link leads to is unchanged")
    chaos.hold(not report.is_symlink() and report.stat().st_size, "the report is a file")


def read_by_others(cluster):
    count = 0
    for path in pathlib.Path(cluster.data).rglob("*"):
        try:
            about = path.lstat()
        except OSError:
            continue  # RocksDB has removed it meanwhile
        count += 1
        chaos.hold(not about.st_mode & 0o077 or stat.S_ISLNK(about.st_mode),
                   f"{path} can be read by others")
    return count


def run(world):
    if not chaos.is_root():
        raise chaos.Skipped("only root can make files of another user")
    for _ in range(world.rounds):
        refuse_folders(world)
        refuse_links(world)
        with world.cluster(nodes=1) as cluster:
            refuse_secret(world, cluster)
            write_report(world, cluster)
            count = read_by_others(cluster)
    chaos.say(f"2 folders, {len(LINKED)} links, a secret, 2 outputs refused or not followed;"
              f" {count} files are its owner's only")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
