"""The studies that are shown beside the results, as far as they are of the present data, parameters and code."""

from typing import NamedTuple

from genres.report.cnn_study import CnnStudy
from genres.report.run_study import RunStudy
from genres.report.svm_study import SvmStudy


class Studies(NamedTuple):
    """Each of them, or None."""

    svm: SvmStudy | None = None
    cnn: CnnStudy | None = None
    runs: RunStudy | None = None
