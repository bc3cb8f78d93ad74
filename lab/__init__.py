# SPDX-License-Identifier: Apache-2.0
"""The lab: what a scenario in tests/lab imports. Start reading in pair.py."""

from .daemon import KINDS, Keepalived, Tandem
from .faults import FAULTS, change, figures
from .net import Node, Switch, clock_step, wait_for
from .pair import ECHO_PORT, VIP, Pair, many_services
from .tap import expect, has_module, need, note, run, skip, skip_all
from .traffic import Probe, Sessions, Traffic
from .watch import IpvsCommands, Watch, now_us
