# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site, every warning an error: `python -m tooling.docsite` leaves it in build/site.

The generated project refers to the inventories of five other sites. A build that asks the network is neither
repeatable nor possible everywhere, so one local inventory takes their place. It holds the labels of Ansible's own
documentation that generated pages refer to, and nothing that our own pages might refer to by mistake.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import sys
import zlib

from tooling import paths, stages

BASE_URL = "https://docs.ansible.com/ansible/devel/"

# Label -> page with anchor, and title.
_LABELS = {
    "action_plugins": ("plugins/action.html", "Action plugins"),
    "ansible_collections.ansible.builtin.env_lookup": ("collections/ansible/builtin/env_lookup.html", "env"),
    "ansible_configuration_settings": ("reference_appendices/config.html", "Ansible Configuration Settings"),
    "attributes": ("reference_appendices/common_return_values.html", "Attributes"),
    "common_return_values": ("reference_appendices/common_return_values.html", "Return Values"),
    "communication": ("community/communication.html", "Communicating with the Ansible community"),
    "communication_irc": ("community/communication.html#real-time-chat", "Real-time chat"),
    "list_of_collections": ("collections/index.html", "Collection Index"),
    "module_defaults_groups": ("user_guide/playbooks_module_defaults.html", "Module defaults groups"),
    "playbooks_module_defaults": ("user_guide/playbooks_module_defaults.html", "Module defaults"),
    "stdout_callback": ("plugins/callback.html", "Callback plugins"),
    "using_collections": ("collections_guide/index.html", "Using Ansible collections"),
    "check_mode_dry": ("playbook_guide/playbooks_checkmode.html", "Check mode"),
    "playbooks_async": ("playbook_guide/playbooks_async.html", "Asynchronous actions and polling"),
    "playbooks_delegation": ("playbook_guide/playbooks_delegation.html", "Delegation"),
    "become": ("playbook_guide/playbooks_privilege_escalation.html", "Privilege escalation"),
    "ansible_variable_precedence": ("playbook_guide/playbooks_variables.html", "Variable precedence"),
}


def inventory() -> bytes:
    """An inventory in Sphinx's format 2: four header lines, then one compressed line for each label."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: devel\n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = []
    for label, (page, title) in sorted(_LABELS.items()):
        target = page if "#" in page else f"{page}#{label.replace('_', '-').replace('.', '-')}"
        lines.append(f"{label} std:label -1 {target} {title}\n")
    return head.encode() + zlib.compress("".join(lines).encode())


def _use_local_inventory(project: pathlib.Path) -> None:
    (project / "ansible_devel.inv").write_bytes(inventory())
    conf = project / "conf.py"
    mapping = f"intersphinx_mapping = {{'ansible_devel': ('{BASE_URL}', '../ansible_devel.inv')}}\n"
    text, count = re.subn(
        r"^intersphinx_mapping = \{.*?^\}\n", lambda _: mapping, conf.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    if count != 1:
        raise AssertionError(f"{conf} has no intersphinx_mapping to replace: has antsibull-docs changed it?")
    conf.write_text(text, encoding="utf-8")


def build(stage: stages.Stage, project: pathlib.Path) -> pathlib.Path:
    """Generate the Sphinx project in `project`, build it, and return the folder of the HTML pages."""
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    # antsibull-docs writes only to folders that nobody else may write to.
    project.chmod(0o700)
    stage.run(
        *["antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error"],
        *["--dest-dir", str(project), paths.COLLECTION],
        log=f"{stage.name}-init",
    )
    _use_local_inventory(project)
    rst = project / "temp-rst"
    rst.mkdir(mode=0o700)
    stage.run(
        *["antsibull-docs", "--config-file", str(project / "antsibull-docs.cfg"), "collection", "--use-current"],
        *["--squash-hierarchy", "--fail-on-error", "--dest-dir", str(rst), paths.COLLECTION],
        log=f"{stage.name}-rst",
    )
    shutil.copytree(rst, project / "rst", dirs_exist_ok=True)
    html = project / "build" / "html"
    stage.run(
        *["sphinx-build", "-M", "html", "rst", "build", "-c", ".", "-W", "--keep-going"],
        cwd=project,
        log=f"{stage.name}-html",
    )
    return html


if __name__ == "__main__":
    built = build(stages.prepare("site", "docs"), paths.BUILD / "site-project")
    target = paths.BUILD / "site"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(built, target)
    print(target / "index.html")
    sys.exit(0)
