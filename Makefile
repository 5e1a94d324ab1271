# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The verbs of this repository. Each is one line; what they do stands in tools/.

.DEFAULT_GOAL := help
.PHONY: help up down convert drift gpu-report test lint unit sanity integration molecule fuzz truth e2e soak bench test-gpu

# The time at which make was called, so that the table of steps can say how long the Python environment took.
PYTHON = STARTED=$$(date +%s.%N) && export STARTED && tools/venv && .venv/bin/python

# The collection is imported by its name, and its Python is everybody's.
export PYTHONPATH := $(CURDIR)/.cache/collections
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# make up INVENTORY=path and make convert INVENTORY=path work on real machines; without it, on the local test host.
INVENTORY ?=
# Handed on as they were typed: a file's name may hold blanks, quotes and dollar signs.
override INVENTORY := $(value INVENTORY)
override PDF := $(value PDF)
export INVENTORY PDF

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r verb text; do printf '%-12s %s\n' "$$verb" "$$text"; done

up: ## converge the local test host vm1 (or INVENTORY=path), convert a PDF, say where everything is
	@$(PYTHON) tools/up.py

down: ## remove the local test hosts; images and the Python environment stay
	@tests/testbed/bed down

convert: ## PDF=path [INVENTORY=path]: any PDF through the front door, Markdown to standard output
	@$(PYTHON) tools/convert.py "$$PDF"

drift: ## [INVENTORY=path]: what differs on the hosts from the inventory; 0 nothing, 2 something, 1 an error
	@$(PYTHON) tools/drift.py

gpu-report: ## [INVENTORY=path]: GPUs, who holds them, and what is wrong; 0 nothing, 2 something, 1 an error
	@$(PYTHON) tools/gpu_report.py

test: ## the tests of every part, cheap ones first, with a table of times
	@$(PYTHON) tools/test.py lint sanity unit testbed integration fuzz molecule e2e truth

lint: ## ruff, yamllint, ansible-lint, shellcheck, changelog
	@$(PYTHON) tools/test.py lint

unit: ## unit tests
	@$(PYTHON) tools/test.py unit

sanity: ## ansible-test sanity, and the collection as an artifact: built, installed, its playbooks found
	@$(PYTHON) tools/test.py sanity

integration: ## [TARGET=name] every module against the real service, on a test host
	@$(PYTHON) tools/test.py testbed integration

molecule: ## the whole stack: create, converge, idempotence, check, side effects, verify, destroy
	@$(PYTHON) tools/test.py testbed molecule

fuzz: ## thousands of odd values against the parsers that read them for real
	@$(PYTHON) tools/test.py testbed fuzz

truth: ## the promises of docs/what-you-can-rely-on.md, on a test host with the whole stack
	@$(PYTHON) tools/test.py testbed truth

e2e: ## what a person does, from the outside: make up twice, a PDF of their own, a browser
	@$(PYTHON) tools/test.py testbed e2e

soak: ## every point at which a run can be cut and every way a release can fail; takes hours, says how many
	@$(PYTHON) tools/test.py testbed soak

test-gpu: ## INVENTORY=path: containers use the GPUs of real machines, those of the group nvidia_runtime
	@tools/venv && ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/collections .venv/bin/ansible-playbook -i "$$INVENTORY" tests/gpu/test_gpu.yml

bench: ## figures into tests/bench/latest.json, against the local test host
	@$(PYTHON) tests/bench/run.py
