tr '\n\0' '\001\n' </proc/1/environ | sed 's/=/: /; s/^/env /'
awk '/^(Uid|Gid|Groups|Cap[A-Z][a-z]*|NoNewPrivs|Seccomp):/ {name = $1; $1 = ""; print "process " name $0}' /proc/1/status
echo "process directory: $(pwd)"
echo "process descriptors: $(for fd in 0 1 2; do readlink /proc/1/fd/$fd | sed 's/:.*//'; done | tr '\n' ' ')"
echo "process oom_score_adj: $(cat /proc/1/oom_score_adj)"
for name in memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares pids/pids.max memory.max memory.swap.max cpu.max cpu.weight pids.max; do
  [ ! -e /sys/fs/cgroup/$name ] || echo "limit ${name##*/}: $(cat /sys/fs/cgroup/$name)"
done
for name in ip_unprivileged_port_start ping_group_range; do echo "sysctl $name: $(cat /proc/sys/net/ipv4/$name)"; done
awk '$5 !~ "^/(proc|sys|dev|etc)?(/|$)" || $5 == "/dev/termination-log" {
  type = $0; sub(/.* - /, "", type); sub(/ .*/, "", type)
  flags = ""; n = split($6, all, ","); for (i = 1; i <= n; i++) if (all[i] ~ /^(r[ow]|no(suid|dev|exec))$/) flags = flags " " all[i]
  print "mount " $5 ":" flags (type == "tmpfs" && $5 !~ /termination|[.]/ ? " tmpfs" : "")
}' /proc/self/mountinfo
for file in /dev/termination-log / /dev/shm /tmp $FILES; do [ ! -e $file ] || echo "file $file: $(stat -c '%F %a %u:%g' $file)"; done
