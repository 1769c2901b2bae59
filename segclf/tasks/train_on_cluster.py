"""Train a head on a Ray cluster whose machines share the folder of the workspace."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from embedcache import UserError
from embedcache.cluster.connection import alive_nodes, connected, import_ray
from embedcache.cluster.workers import ATTEMPTS, WorkerResources, plan_workers, run_tasks
from embedcache.encoders import Pooling
from embedcache.encoders.threads import check_threads
from segclf.tasks.train import choose_inputs, train_on
from segclf.training.data_parallel import Workers
from segclf.training.epochs import Epoch
from segclf.training.options import TrainingOptions
from segclf.workspace.cluster import check_cluster_device, check_shared
from segclf.workspace.corpora import EncoderReference
from segclf.workspace.memory import vectors_limit
from segclf.workspace.new_runs import NewRun, save_run
from segclf.workspace.runs import Run
from segclf.workspace.sources import find_source, stable_name
from segclf.workspace.workspace import Workspace


@dataclass(frozen=True)
class _Training:
    """What each worker needs to know; see `train_on_cluster`.

    Attributes:
        workspace: Folder of the workspace.
        corpus: Name of the corpus.
        digest: Digest of the corpus.
        encoder: Encoder of the vectors.
        options: Training options.
        start: Name or path of the model from which training starts; None for random weights.
        device: "cpu" or "cuda".
        threads: Number of CPU threads of a worker.
        memory: Maximum size of the vectors in the memory of a worker, in gigabytes; see
            `train_on_cluster` for None.
    """

    workspace: Path
    corpus: str
    digest: str
    encoder: EncoderReference
    options: TrainingOptions
    start: str | None
    device: str
    threads: int
    memory: float | None


def train_on_cluster(
    workspace: Workspace,
    options: TrainingOptions | None = None,
    *,
    start: str | None = None,
    corpus_name: str | None = None,
    encoder_name: str | None = None,
    pooling: Pooling | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: float | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    address: str | None = None,
    workers: int | None = None,
) -> Run:
    """Train a head as `segclf.train` does, with several workers on a Ray cluster.

    Each worker computes the gradient of a share of every batch. Except for rounding errors and for
    dropout, the head is that of one process. If a worker dies, training begins again, up to three
    times.

    Args:
        workspace: Workspace of the corpus, in a folder that all machines share.
        options: Training options; see `segclf.train`, which also describes the arguments up to
            `pooling`.
        start: Ready model or run from whose weights training starts.
        corpus_name: Name of the corpus.
        encoder_name: Name of the encoder that computed the vectors.
        pooling: Pooling of that encoder.
        device: "cpu", or "cuda" for one GPU for each worker.
        threads: Number of CPUs of each worker.
        memory: Maximum size of the vectors that each worker holds in memory, in gigabytes; None for
            an equal share of `segclf.workspace.memory.vectors_limit` on its machine.
        on_epoch: Function that is called after each epoch.
        address: Address of the cluster; None to start a cluster on this machine.
        workers: Number of workers; None for one on each machine or, on GPUs, for one on each GPU.

    Raises:
        UserError: The package ray is missing, the device is not "cpu" or "cuda", the cluster cannot
            be used, lacks the CPUs or GPUs or could not start the workers, a machine lacks a
            package or has no access to the workspace, workers died several times, or `segclf.train`
            would raise an error.
    """
    import_ray()
    check_cluster_device(device)
    check_threads(threads)
    vectors_limit(memory)  # raises an error for an invalid number
    inputs = choose_inputs(workspace, options, start, corpus_name, encoder_name, pooling)
    training = _Training(
        workspace.path.absolute(),
        inputs.stored.name,
        inputs.stored.digest,
        inputs.encoder,
        inputs.options,
        stable_name(workspace, start) if start is not None else None,
        device,
        threads,
        memory,
    )
    output = sys.stdout
    with connected(address) as ray:
        nodes = alive_nodes(ray)
        resources = plan_workers(nodes, workers, threads, int(device == "cuda"))
        check_shared(ray, nodes, workspace.path, "pandas", "pyarrow")
        epochs = import_module("ray.util.queue").Queue(actor_options={"num_cpus": 0})

        def show_epochs() -> None:
            with redirect_stdout(output):  # `connected` redirects it to standard error
                while not epochs.empty():
                    on_epoch(epochs.get())

        call = training, resources, epochs
        ((_, new),) = run_tasks(
            ray, train_together, [call], limit=1, cpus=0, while_waiting=show_epochs
        )
    return save_run(workspace.runs, new)


def train_together(training: _Training, resources: WorkerResources, epochs: Any) -> NewRun:  # noqa: ANN401
    """Start the workers, and return the head that they have trained. A task calls this function.

    Args:
        training: What the workers need to know.
        resources: Number of workers, and the CPUs and GPUs of each.
        epochs: Queue of Ray to which the worker of rank 0 adds each epoch.

    Raises:
        UserError: A worker raised it, workers died several times, or the cluster could not start
            them.
    """
    from ray import train
    from ray.train.torch import TorchTrainer

    needs = {"CPU": resources.cpus, "GPU": resources.gpus}
    scaling = train.ScalingConfig(
        num_workers=resources.count,
        use_gpu=resources.gpus > 0,
        resources_per_worker={name: number for name, number in needs.items() if number},
        placement_strategy="SPREAD",
    )
    with TemporaryDirectory() as folder:  # for checkpoints, although none are written
        run = train.RunConfig(
            storage_path=folder, failure_config=train.FailureConfig(controller_failure_limit=0)
        )
        trainer = TorchTrainer(
            partial(_work, training, epochs), scaling_config=scaling, run_config=run
        )
        # Ray Train could begin again itself, but would also do so after a user's mistake
        for _ in range(ATTEMPTS):
            try:
                new: NewRun = trainer.fit().return_value
                return new
            except train.WorkerGroupError as error:
                failures = list(error.worker_failures.values())
                for failure in failures:
                    if isinstance(failure, UserError):
                        raise failure from error
                reason = _first_sentence(failures[0])
            except train.ControllerError as error:
                reason = _first_sentence(error.controller_failure)
                raise UserError(
                    f"--workers {resources.count} --threads {resources.cpus}: the cluster did not "
                    f"start the workers ({reason}): wait until its other work has ended, or use "
                    "fewer workers or threads"
                ) from error
    raise UserError(
        f"training failed {ATTEMPTS} times, perhaps because the memory was full: use fewer "
        f"--workers or less --memory ({reason})"
    )


def _first_sentence(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].partition(". ")[0].removesuffix(".")


def _work(training: _Training, epochs: Any) -> NewRun | None:  # noqa: ANN401
    """Train in one of the workers; return the head in the worker of rank 0, and None in others."""
    from ray import train

    context = train.get_context()
    workers = Workers(context.get_world_rank(), context.get_world_size())
    workspace = Workspace(training.workspace)
    stored = workspace.load_corpus(training.corpus)
    if stored.digest != training.digest:
        raise UserError(
            f"the corpus {training.corpus} changed while training began: run the command again"
        )
    source = None
    if training.start is not None:
        source = find_source(workspace, training.start, training.options.boundary_type)
    new = train_on(
        workspace,
        stored,
        training.encoder,
        training.options,
        source=source,
        device=training.device,
        threads=training.threads,
        memory=vectors_limit(training.memory, context.get_local_world_size()),
        workers=workers,
        on_epoch=epochs.put if workers.rank == 0 else lambda _: None,
    )
    return new if workers.rank == 0 else None
