"""Builds the library: assets/ lies in it as glaclip/assets, requirements.txt says what it needs."""

from pathlib import Path

from setuptools import find_packages, setup

#: What the page needs beyond the library.
PAGE = ("gradio", "brotli")
LINES = (Path(__file__).parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
NEEDS = [line for line in LINES if line and not line.startswith("#")]

setup(
    packages=[*find_packages(include=["glaclip", "glaclip.*"]), "glaclip.assets"],
    package_dir={"glaclip.assets": "assets"},
    package_data={
        "": ["py.typed", "*.css", "*.html", "*.js"],
        "glaclip.assets": ["*", "**/*"],
    },
    exclude_package_data={"glaclip.assets": ["readme/*"]},
    install_requires=[need for need in NEEDS if not need.startswith(PAGE)],
    extras_require={
        "demo": [need for need in NEEDS if need.startswith(PAGE)],
        "heic": ["pillow-heif>=1.1,<2"],
    },
)
