# SPDX-License-Identifier: Apache-2.0
"""The lab: what a scenario in tests/lab imports. Start reading in pair.py.

A whole scenario:

    #!/usr/bin/env python3
    # lab: time=60
    import os, sys
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from lab import Pair, expect, run

    def main():
        pair = Pair()                      # two directors, four real servers, a client, a switch
        pair.start()                       # d1 is active
        with pair.traffic() as seen:       # 200 sessions, and a probe every millisecond
            pair.d1.crash()
            expect(pair.wait_active(pair.d2, 5), "d2 takes over", pair.holders())
        expect(seen.probe.outage_ms < pair.takeover_limit_ms(), "in time", seen.probe.outage_ms)

    run(main)
"""

from . import nasty
from .daemon import KINDS, Keepalived, Tandem
from .faults import FAULTS, change, figures
from .net import Guest, Node, Switch, clock_step, wait_for
from . import held
from .pair import ECHO_PORT, ApartPair, Pair, many_services, many_services_address
from .ring import Ring
from .tap import expect, has_module, need, note, run, skip, skip_all
from .traffic import Probe, Sessions, Traffic
from .watch import IpvsCommands, Watch, now_us
