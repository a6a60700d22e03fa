"""What the C library does with freed memory."""

import numpy as np


def keep_freed_memory() -> None:
    """Let this process reuse the memory of freed arrays of up to 16 MiB.

    glibc returns large blocks to the operating system, which then provides them again page by page, zeroed: half of the
    time that a clip's spectrogram takes in a new process. But once a block has been freed, glibc keeps all blocks that
    are no larger (mallopt(3), the dynamic threshold of M_MMAP_THRESHOLD, at most 32 MiB). Other C libraries are not
    affected.
    """
    np.empty(16 * 2**20, np.uint8)
