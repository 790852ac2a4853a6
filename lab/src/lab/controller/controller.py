# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The controller: the models of one lab, and the requests of the command line."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.controller.host_provider import HostProvider
from lab.controller.running_model import RunningModel
from lab.controller.wire import CODE, Message, Server
from lab.machines.programs import MachineError
from lab.model.errors import JujuError

DEFAULT_MODEL = "lab"
DESTROY_TIMEOUT = 600.0
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Controller:
    """The controller of one home."""

    def __init__(self, home: Path, provider: HostProvider) -> None:
        self._home = home
        self._provider = provider
        self._started = time.time()
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self.ended = threading.Event()
        """Set once all agents have ended: another controller may serve the same home."""
        self._current_file = home / "current-model"
        self._models: dict[str, RunningModel] = {}
        (home / "models").mkdir(parents=True, exist_ok=True)
        for folder in sorted((home / "models").iterdir()):
            self._models[folder.name] = RunningModel(folder, folder.name, provider)
        self._verbs: dict[str, Callable[..., Any]] = {
            "ping": lambda: {"started": self._started, "code": str(CODE)},
            "stop": self.stopped.set,
            "models": self._list_models,
            "add-model": self._add_model,
            "switch": self._switch,
            "destroy-model": self._destroy_model,
            "down": self._down,
        }
        self._server = Server(home / "controller.sock", self._answer)

    def serve(self) -> None:
        """Wait until `stopped` is set; then stop answering and end all agents.

        Machines keep running.
        """
        self.stopped.wait()
        self._server.close()
        for model in self._models.values():
            model.close()
        self.ended.set()

    def _answer(self, request: bytes) -> bytes:
        return json.dumps(self._reply(json.loads(request))).encode()

    def _reply(self, request: Message) -> Message:
        try:
            return {"result": self._carry_out(request)}
        except (JujuError, MachineError) as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - a request must not end the controller
            traceback.print_exc()
            return {
                "error": f"the lab's controller failed: {error!r}; see {self._home}/controller.log"
            }

    def _carry_out(self, request: Message) -> Any:
        verb, arguments = request["verb"], request["arguments"]
        if verb in self._verbs:
            return self._verbs[verb](**arguments)
        return self._model(request["model"]).answer(verb, arguments)

    def _model(self, name: str | None) -> RunningModel:
        """The model of that name, or the current one. Makes the default model if it is missing."""
        with self._lock:
            if name is None:
                name = self._current()
                if name == DEFAULT_MODEL and name not in self._models:
                    self._make(name)
            if name not in self._models:
                raise JujuError(f'model "{name}" not found')
            return self._models[name]

    def _current(self) -> str:
        try:
            return self._current_file.read_text().strip()
        except FileNotFoundError:
            return DEFAULT_MODEL

    def _make(self, name: str) -> None:
        """Make a model with its own machine numbers. Raises MachineError if there are too many."""
        folder = self._home / "models" / name
        folder.mkdir()
        try:
            self._models[name] = RunningModel(folder, name, self._provider)
        except MachineError:
            folder.rmdir()
            raise

    def _list_models(self) -> dict[str, Any]:
        return {"names": sorted(self._models), "current": self._current()}

    def _add_model(self, name: str, config: dict[str, Any], switch: bool) -> None:
        if not _MODEL_NAME.fullmatch(name):
            raise JujuError(f'"{name}" is not a valid name for a model')
        with self._lock:
            if name in self._models:
                raise JujuError(f'model "{name}" already exists')
            self._make(name)
        if config:
            self._models[name].answer("set-model-config", {"values": config, "reset": []})
        if switch:
            self._current_file.write_text(name)

    def _switch(self, name: str) -> None:
        if name not in self._models:
            raise JujuError(f'model "{name}" not found')
        self._current_file.write_text(name)

    def _destroy_model(self, name: str, force: bool) -> None:
        """Begin to destroy a model; it is gone when `models` no longer names it."""
        model = self._model(name)
        if not force:
            model.remove_everything()
        threading.Thread(target=self._finish_destroying, args=(name, model, force)).start()

    def _finish_destroying(self, name: str, model: RunningModel, force: bool) -> None:
        deadline = time.monotonic() + (0 if force else DESTROY_TIMEOUT)
        while model.machines() and time.monotonic() < deadline:
            model.store.rest(1.0)
        model.close()
        model.destroy_machines()
        shutil.rmtree(self._home / "models" / name)
        with self._lock:
            del self._models[name]
            if self._current() == name:
                self._current_file.unlink(missing_ok=True)

    def _down(self) -> None:
        """Destroy everything at once, and end."""
        for name, model in list(self._models.items()):
            self._finish_destroying(name, model, force=True)
        self.stopped.set()
