#!/bin/bash
# SPDX-License-Identifier: MIT
# A Slurm cluster of NODES on this machine for as long as a command runs, which finds it in SLURM_CONF:
# slurm.sh FOLDER NODES COMMAND...   Its daemons speak over the loopback alone. Status 77: Slurm is not installed.
set -u
folder=$1 nodes=$2
shift 2
PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd sbatch scontrol squeue; do
    command -v "$program" >/dev/null || { echo "slurm: skipped: needs $program (slurm-wlm, munge)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "slurm: skipped: slurmd needs root"; exit 77; }

host=$(hostname -s)
mkdir -p "$folder/state"
dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
chmod 400 "$folder/munge.key"
export SLURM_CONF=$folder/slurm.conf
cat >"$SLURM_CONF" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/linear
JobRequeue=1
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17001-$((17000 + nodes))] CPUs=1 State=UNKNOWN
PartitionName=all Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE State=UP
END

daemons() { cat "$folder"/*.pid 2>/dev/null; }
stop() {
    scontrol shutdown >/dev/null 2>&1
    for _ in $(seq 50); do
        [ -n "$(ls "$folder"/slurm*.pid 2>/dev/null)" ] || break
        sleep .1
    done
    for pid in $(daemons); do kill "$pid" 2>/dev/null; done
}
trap stop EXIT
munged --key-file="$folder/munge.key" --socket="$folder/munge.socket" --log-file="$folder/munged.log" --pid-file="$folder/munged.pid" \
    --seed-file="$folder/munged.seed" --force 2>/dev/null
slurmctld -f "$SLURM_CONF"
for node in $(seq "$nodes"); do
    mkdir -p "$folder/spool.n$node"
    slurmd -N "n$node" -f "$SLURM_CONF"
done
for _ in $(seq 100); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = "$nodes" ] && break
    sleep .1
done
"$@"
