"""What others get: an sdist of this tree and the wheel made of it, installed and run far from the repository.

    python .ci/package.py    where the dependencies are installed; the network gives setuptools, build and mypy
"""
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path
from site import getsitepackages

ROOT = Path(__file__).resolve().parents[1]
LIB = "sae_l0_nb"
QUIET = dict(PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1", OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | QUIET
USER = f"""
import sys
from pathlib import Path
import torch
import {LIB}
from {LIB} import ToyModel, calibrate_l0, load_sae

home = Path({LIB}.__file__).parent
assert home.is_relative_to(sys.argv[1]), home
assert (home/'py.typed').exists()
torch.manual_seed(0)
rows = ToyModel.small().sample(20_000)
torch.save(rows, 'rows.pt')
r = calibrate_l0(rows, d_sae=5, l0s=[1.5, 2, 3], n_rounds=0, n_samples=16_000, seeds=[0], keep_saes=True, progress=False)
r.save('found')
print(r)
assert Path('found/figure.png').exists()
"""
TYPED = f"""
import torch
from {LIB} import Bank, L0Estimate, ToyModel, calibrate_l0, read_sae, train_bank

r: L0Estimate = calibrate_l0(ToyModel.large(), d_sae=50)
low: float = r.interval[0]
sae: Bank = r.sae(r.l0)
latents: torch.Tensor = sae.encode(torch.zeros(3, 100))
bank, history = train_bank(ToyModel.small(), 5, [2.])
threshold: torch.Tensor = bank.threshold
r.verdit  # type: ignore[attr-defined]
r.sae('11')  # type: ignore[arg-type]
read_sae('x').L0  # type: ignore[attr-defined]
calibrate_l0(ToyModel.large(), d_sae='50')  # type: ignore[arg-type]
"""


def run(*args, cwd=None):
    "The output of a command; where it fails, its words and the end."
    done = subprocess.run([str(o) for o in args], cwd=cwd, env=ENV, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode: sys.exit(f"{' '.join(map(str, args))}\n{done.stdout}")
    return done.stdout


def copy_of_tree(dest):
    "The files that git knows, so that nothing else finds its way into what is made."
    for name in run("git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines():
        (dest / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists(): shutil.copy(ROOT / name, dest / name, follow_symlinks=False)


def check_contents(sdist, wheel):
    "The sdist can be built from; the wheel holds the library, its stubs and its data, and nothing else."
    with tarfile.open(sdist) as t: inside = {o.split("/", 1)[-1] for o in t.getnames()}
    lacking = {"settings.ini", "setup.py", "README.md", "LICENSE", "requirements-core.txt", f"{LIB}/py.typed"} - inside
    if lacking: sys.exit(f"not in the sdist: {sorted(lacking)}")
    with zipfile.ZipFile(wheel) as z: inside = z.namelist()
    odd = [o for o in inside if ".dist-info/" not in o and not (o.startswith(f"{LIB}/") and o.endswith((".py", ".pyi", "py.typed")))]
    if odd: sys.exit(f"in the wheel, and neither library nor stub: {odd}")
    missing = {o.name for o in (ROOT / LIB).glob("*.py*") if o.name != "_modidx.py"} - {o.split("/")[-1] for o in inside}
    if missing or f"{LIB}/py.typed" not in inside: sys.exit(f"not in the wheel: {sorted(missing)}, or py.typed")
    print(f"{sdist.name}: {sdist.stat().st_size/1e6:.1f} MB; {wheel.name}: {len(inside)} files, {wheel.stat().st_size/1e6:.1f} MB")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp).resolve()
        tree, far, dist, home = tmp / "tree", tmp / "far", tmp / "dist", tmp / "venv"
        for o in (tree, far): o.mkdir()
        copy_of_tree(tree)
        venv.create(home, with_pip=True)
        bin = home / ("Scripts" if os.name == "nt" else "bin")
        site = run(bin / "python", "-c", "import site; print(site.getsitepackages()[0])").strip()
        run(bin / "python", "-m", "pip", "install", "-q", "build", "mypy")
        run(bin / "python", "-m", "build", "--outdir", dist, tree)  # the wheel is made of the sdist
        sdist, wheel = next(dist.glob("*.tar.gz")), next(dist.glob("*.whl"))
        check_contents(sdist, wheel)
        (Path(site) / "dependencies.pth").write_text(getsitepackages()[0] + "\n")  # those of this Python, after its own
        for made in (sdist, wheel):
            run(bin / "python", "-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", made)
            (far / made.name).mkdir()
            print(run(bin / "python", "-c", USER, site, cwd=far / made.name).splitlines()[-1])
        print(run(bin / "sae-l0", "--help", cwd=far).splitlines()[0])
        asked = "--width 5 --l0s 1.5,2,3 --rounds 0 --samples 16000 --seeds 1 --quiet --out again".split()
        print(run(bin / "sae-l0", "calibrate", far / wheel.name / "rows.pt", *asked, cwd=far).splitlines()[0])
        (far / "typed.py").write_text(TYPED)
        print(run(bin / "mypy", "--warn-unused-ignores", "typed.py", cwd=far).strip())


if __name__ == "__main__": main()
