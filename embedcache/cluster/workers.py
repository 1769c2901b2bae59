"""Runs tasks and workers on a Ray cluster.

If a machine fails, its tasks and workers are started again on other machines. Only the interrupted
tasks and shards are repeated.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from embedcache.cluster.connection import Node
from embedcache.encoders.base import Encoder
from embedcache.errors import UserError
from embedcache.shards.encode import encode_shard
from embedcache.shards.plan import Plan, Shard

_WAIT_SECONDS = 0.5
ATTEMPTS = 4
"""Maximum number of attempts if processes die, for example because the memory is full."""


@dataclass(frozen=True)
class WorkerResources:
    """Resources that workers reserve.

    Attributes:
        count: Number of workers.
        cpus: Number of CPUs of each worker, which runs one thread on each CPU.
        gpus: Number of GPUs of each worker, which may be a fraction.
    """

    count: int
    cpus: int
    gpus: float


def plan_workers(
    nodes: Sequence[Node], workers: int | None, threads: int | None, gpus: float
) -> WorkerResources:
    """Divide the CPUs and the GPUs of a cluster among workers.

    Args:
        nodes: Machines of the cluster.
        workers: Number of workers; None for one on each machine, or for as many as the GPUs allow
            if `gpus` is not 0.
        threads: Number of CPUs of a worker; None for as many as fit.
        gpus: Number of GPUs of a worker.

    Raises:
        UserError: `workers` is below 1, `gpus` is below 0, or the cluster has too few CPUs or GPUs.
    """
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: use 1 or more")
    if gpus < 0:
        raise UserError(f"--gpus-per-worker {gpus:g}: use 0 or more")
    by_gpus = sum(int(node.gpus / gpus) for node in nodes) if gpus else None
    count = workers or (len(nodes) if by_gpus is None else max(by_gpus, 1))
    if by_gpus is not None and count > by_gpus:
        raise UserError(
            f"--workers {count}: the cluster has too few GPUs (total: "
            f"{sum(node.gpus for node in nodes):g}, needed by each worker: {gpus:g}): use fewer "
            "workers, or fewer GPUs for each"
        )
    for cpus in [threads] if threads else range(max(node.cpus for node in nodes), 0, -1):
        if sum(node.cpus // cpus for node in nodes) >= count:
            return WorkerResources(count, cpus, gpus)
    total = sum(node.cpus for node in nodes)
    each = f" --threads {threads}" if threads else ""
    raise UserError(
        f"--workers {count}{each}: the cluster has too few CPUs (total: {total}, needed by each "
        f"worker: {threads or 1}): use fewer workers or threads"
    )


def run_tasks(
    ray: ModuleType,
    function: Callable[..., object],
    calls: Sequence[tuple[Any, ...]],
    *,
    limit: int,
    cpus: int = 1,
    gpus: float = 0,
    while_waiting: Callable[[], object] = lambda: None,
) -> Iterator[tuple[int, Any]]:
    """Call a function with each tuple of arguments in a task, and yield results as tasks finish.

    Args:
        ray: The module ray, connected to a cluster.
        function: Function that the machines of the cluster can import.
        calls: Arguments of each call.
        limit: Maximum number of tasks that are submitted at a time, so that they do not fill the
            memory of the driver.
        cpus: Number of CPUs of a task.
        gpus: Number of GPUs of a task.
        while_waiting: Function that is called at least every `_WAIT_SECONDS` while tasks run, and
            when one has finished.

    Yields:
        Position of a call in `calls`, and its result.

    Raises:
        UserError: A task raised a UserError, or its process died `ATTEMPTS` times.
        ray.exceptions.RayTaskError: A task raised another error.
    """
    task = ray.remote(function).options(
        num_cpus=cpus, num_gpus=gpus, max_retries=ATTEMPTS - 1, scheduling_strategy="SPREAD"
    )
    running: dict[Any, int] = {}
    remaining = iter(enumerate(calls))
    while True:
        for position, arguments in remaining:
            running[task.remote(*arguments)] = position
            if len(running) >= limit:
                break
        if not running:
            return
        finished: list[Any] = []
        while not finished:
            finished, _ = ray.wait(list(running), timeout=_WAIT_SECONDS)
            while_waiting()
        (done,) = finished
        try:
            result = _result(ray, done)
        except _death_errors(ray) as error:
            what = function.__name__.strip("_").replace("_", " ")
            raise UserError(_describe_deaths(what)) from error
        yield running.pop(done), result


class Worker:
    """Class of the actors that encode shards; an actor loads the encoder of the plan once."""

    def __init__(self, plan: Plan, threads: int) -> None:
        self._plan = plan
        self._threads = threads
        self._encoder: Encoder | None = None

    def load(self) -> None:
        """Load the encoder. `__init__` does not do this, because Ray hides the type of its errors.

        Raises:
            UserError: The encoder differs from that of the plan, or this machine cannot load or run
                it.
        """
        encoder = self._plan.load()
        encoder.check_execution()
        if tuple(part.fingerprint for part in encoder.parts) != self._plan.fingerprints:
            raise UserError(
                f"a worker loaded an encoder {encoder.name} that differs from the encoder of this "
                "process: use the same version of segtool and the same model on every machine"
            )
        self._encoder = encoder

    def encode(self, shard: Shard) -> int:
        """Encode a shard, and return the number of its sentences; see `encode_shard`."""
        assert self._encoder is not None  # noqa: S101 - `load` is called first
        return encode_shard(self._plan, shard, self._encoder, self._threads)


def encode_shards(
    ray: ModuleType,
    plan: Plan,
    shards: Sequence[Shard],
    resources: WorkerResources,
) -> Iterator[int]:
    """Encode shards with workers, and yield the number of sentences of each as it is finished.

    A worker has one shard at a time. If it dies, another worker encodes the shard, and a new worker
    starts as soon as the cluster has room for it.

    Raises:
        UserError: A worker raised a UserError, or workers died `ATTEMPTS` times with the same
            shard, or `ATTEMPTS` times in a row while loading the encoder.
        ray.exceptions.RayTaskError: A worker raised another error.
    """
    actor = ray.remote(Worker).options(
        num_cpus=resources.cpus, num_gpus=resources.gpus, scheduling_strategy="SPREAD"
    )
    waiting = deque(shards)
    running: dict[Any, tuple[Any, Shard | None]] = {}  # None: the worker loads its encoder
    deaths = Counter[Shard | None]()

    def start_worker() -> None:
        worker = actor.remote(plan, resources.cpus)
        running[worker.load.remote()] = worker, None

    for _ in range(min(resources.count, len(waiting))):
        start_worker()
    while waiting or any(shard for _, shard in running.values()):
        (done,), _ = ray.wait(list(running))
        worker, shard = running.pop(done)
        try:
            count = _result(ray, done)
        except _death_errors(ray) as error:
            deaths[shard] += 1
            if deaths[shard] == ATTEMPTS:
                what = f"shard {shard.name}" if shard else "loading the encoder"
                raise UserError(_describe_deaths(what)) from error
            ray.kill(worker)  # it may be alive if only the connection was lost
            waiting.extendleft([shard] if shard else [])
            start_worker()
            continue
        deaths[shard] = 0
        if waiting:
            following = waiting.popleft()
            running[worker.encode.remote(following)] = worker, following
        if shard:
            yield count


def _result(ray: ModuleType, reference: Any) -> Any:  # noqa: ANN401
    """Return the result of a task; if the task raised a UserError, raise it here too."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise UserError(str(error.cause)) from error
        raise


def _death_errors(ray: ModuleType) -> tuple[type[Exception], ...]:
    """Return the classes of the exceptions that Ray raises when a process has died."""
    exceptions = ray.exceptions
    return (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.OutOfMemoryError,
    )


def _describe_deaths(what: str) -> str:
    return (
        f"{what}: the process died {ATTEMPTS} times, perhaps because the memory was full: use "
        "fewer --workers or --jobs, and run the command again to continue"
    )
