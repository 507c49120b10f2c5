"""What every figure needs: built programs, installed peers, the machine's state; and the table of figures itself.

A figure is a Figure in the list FIGURES of a file of bench/figures; the file is all that has to be added.  Its `measure`
gets the Lab and returns pairs of (ours, theirs), taken in turn, in the figure's unit; it may add remarks.
"""
import dataclasses
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import typing

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "release"
TOO_MUCH_STOLEN = 0.05


class CannotMeasure(Exception):
    """A peer or a permission is missing, or a check of what was measured failed."""


@dataclasses.dataclass(frozen=True)
class Figure:
    name: str
    goal: float
    stretch: float
    unit: str
    base: str  # the other side, one word with versions
    what: str  # a sentence for --list
    measure: typing.Callable  # (lab, figure) -> [(ours, theirs), ...]
    less_is_better: bool = False  # of ours and theirs (cycles, milliseconds): the ratio is theirs to ours
    goal_is_most: bool = False  # the goal is an upper bound (growth, added latency); the ratio is ours to theirs

    def ratio(self, ours, theirs):
        return theirs / ours if self.less_is_better else ours / theirs


@dataclasses.dataclass
class Result:
    pairs: list = dataclasses.field(default_factory=list)
    remarks: list = dataclasses.field(default_factory=list)
    failure: str = ""
    base: str = ""

    def as_json(self, figure):
        return {"unit": figure.unit, "base": self.base, "goal": figure.goal, "stretch": figure.stretch,
                "pairs": self.pairs, "remarks": self.remarks}


def all_figures():
    figures = {}
    for path in sorted((BENCH / "figures").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"figures_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for figure in module.FIGURES:
            if figure.name in figures:
                raise SystemExit(f"bench: two figures are called {figure.name}")
            figures[figure.name] = figure
    return figures


def number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def summary(figure, result):
    ratios = [figure.ratio(*pair) for pair in result.pairs]
    ours, theirs = (statistics.median(side) for side in zip(*result.pairs))
    return (f"{figure.name} ratio={statistics.median(ratios):.3f} min={min(ratios):.3f} max={max(ratios):.3f} "
            f"n={len(ratios)} ours={number(ours)} theirs={number(theirs)} unit={figure.unit} base={result.base}")


def judge(figure, result):
    ratio = statistics.median(figure.ratio(*pair) for pair in result.pairs)
    met = (lambda bound: ratio <= bound) if figure.goal_is_most else (lambda bound: ratio >= bound)
    words = "stretch goal met" if met(figure.stretch) else "goal met" if met(figure.goal) else "BELOW ITS GOAL"
    return f"{words} (goal {figure.goal:g}, stretch {figure.stretch:g})"


def run(*command, **options):
    """The standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotMeasure(f"{pathlib.Path(str(command[0])).name} failed: {said[-1] if said else done.returncode}")
    return done.stdout


class Lab:
    def __init__(self, pairs):
        self.pairs = pairs
        self._result = None
        self._configured = False
        self._built = set()

    # -- for figures --

    def program(self, name):
        """The path of a bench program (bench_engine, …) or of testudod, setkey, testudo: built as for release."""
        self._configure()
        if name not in self._built:
            run("cmake", "--build", BUILD, "--target", name, "--", f"-j{os.cpu_count()}")
            self._built.add(name)
        return BUILD / ("bench" if name.startswith("bench_") else "bin") / name

    def packages(self, *files):
        """Installs what these files of packaging/ name."""
        try:
            run(ROOT / "tools" / "apt_install", *[ROOT / "packaging" / f for f in files])
        except CannotMeasure as error:
            raise CannotMeasure(f"the packages of {', '.join(files)} cannot be installed: {error}") from error

    def peer(self, variable, default):
        """A peer's program: PEER_… of the environment, or the default."""
        return os.environ.get(f"PEER_{variable}", default)

    def remark(self, text):
        self._result.remarks.append(text)

    def version(self, packages):
        """Of the first of "a|b" that is installed, without the Debian part."""
        for package in packages.split("|"):
            done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True,
                                  check=False)
            if done.returncode == 0 and done.stdout:
                return done.stdout.split(":")[-1].split("-")[0]
        return "unknown"

    def base(self, text):
        """Names the other side where only the run knows its version."""
        self._result.base = text

    def run(self, *command, **options):
        return run(*command, **options)

    def google_pairs(self, program, figure, *arguments, pairs=None):
        """The pairs of a figure of a bench program (bench/harness/figure.h)."""
        out = run(self.program(program), f"--pairs={pairs or self.pairs}", f"--figure={figure}", "--benchmark_min_time=0.1",
                  *arguments)
        sides = json.loads(out)
        return list(zip(sides["ours"], sides["theirs"]))

    # -- for bench/run --

    def machine(self):
        model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), "unknown processor")
        system = run("uname", "-sr").strip()
        return f"{model}, {os.cpu_count()} cores, {system}, load {os.getloadavg()[0]:.1f} at start"

    def measure(self, figure):
        self._result = result = Result(base=figure.base)
        try:
            self.packages("apt-build.txt", "apt-bench.txt")
            before = self._processor_times()
            result.pairs = figure.measure(self, figure)
            stolen = self._stolen(before, self._processor_times())
            if stolen > TOO_MUCH_STOLEN:
                self.remark(f"the hypervisor took {stolen:.0%} of the processors meanwhile: measure again")
            if len(result.pairs) < 7:
                raise CannotMeasure(f"only {len(result.pairs)} pairs")
        except CannotMeasure as error:
            result.failure = str(error)
        return result

    def _configure(self):
        if not self._configured:
            run("cmake", "--preset", "release", "-DTESTUDO_BENCH=ON", cwd=ROOT)
            self._configured = True

    @staticmethod
    def _processor_times():
        return [int(n) for n in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]

    @staticmethod
    def _stolen(before, after):
        spent = [b - a for a, b in zip(before, after)]
        return spent[7] / max(1, sum(spent[:8]))
