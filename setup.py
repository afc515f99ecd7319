"Hand the facts of settings.ini to setuptools."
import shutil
import sys
from configparser import ConfigParser
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(here / "settings.ini", encoding="utf-8")
facts = config["DEFAULT"]
names = ("report", "train", "sample", "cluster", "launch", "rivals", "root", "docs", "dev")
extras = {name: facts[f"{name}_requirements"].split() for name in names}
extras["train"] += extras["report"]  # a training shows pictures of itself
# ROOT is 700 MB: only for those who ask for it
extras["all"] = sorted({need for name in names if name not in ("root", "docs", "dev") for need in extras[name]})
extras["dev"] = sorted({*extras["all"], *extras["docs"], *extras["dev"]})
classifiers = [
    "Development Status :: 4 - Beta",
    "Intended Audience :: Science/Research",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: C",
    *(f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)),  # those that were tested
    "Topic :: Scientific/Engineering :: Physics",
    "Topic :: System :: Archiving :: Compression",
    "Typing :: Typed",
]
# loops that numpy does more slowly; where there is no compiler, the installation goes on without them
parts = "loops coding rows prices trials quantise contexts event_graph event_momenta conserved".split()
sources = [f"hepae/codec/{name}.c" for name in parts]
loops = Extension(
    "hepae.codec._loops", sources, optional=True,
    depends=[f"hepae/codec/{name}.h" for name in ("loops", "plan", "contexts")],
    extra_compile_args=[] if sys.platform == "win32" else "-O3 -fwrapv -ffp-contract=off -fvisibility=hidden".split(),
)
text = Extension("hepae.hepmc._text", ["hepae/hepmc/text.c"], optional=True,
                 extra_compile_args=loops.extra_compile_args)


class WithExamples(build_py):
    "A wheel takes along what `hepae sample --example` copies; a repository has it already."

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False): return
        place = Path(self.build_lib) / "hepae" / "examples"
        place.mkdir(parents=True, exist_ok=True)
        for name in ("data/jets.root", "data/drell_yan.hepmc.gz"): shutil.copy(here / name, place)
        shutil.copytree(here / "4D" / "AE_3D_200", place / "AE_3D_200", dirs_exist_ok=True)


setup(
    name=facts["lib_name"],
    version=facts["version"],
    description=facts["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    keywords=facts["keywords"],
    classifiers=classifiers,
    project_urls={
        "Documentation": facts["doc_host"] + facts["doc_baseurl"],
        "Source": facts["git_url"],
        "Issues": facts["git_url"] + "/issues",
        "Changes": facts["git_url"] + "/blob/main/CHANGELOG.md",
    },
    license="Apache-2.0",
    author=facts["author"],
    author_email=facts["author_email"],
    url=facts["git_url"],
    python_requires=">=" + facts["min_python"],
    packages=find_packages(include=["hepae", "hepae.*"]),
    package_data={"hepae": ["py.typed"]},
    ext_modules=[loops, text],
    cmdclass={"build_py": WithExamples},
    install_requires=facts["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": facts["console_scripts"].split(),
        "nbdev": ["hepae=hepae._modidx:d"],
    },
    zip_safe=False,
)
