# Waits for the end of its input, then ends everything that belongs to the folder in $1 and removes it.
# The folder's name is unique, so nothing else is ever touched.
set -u
folder=$1 name=${1##*/}
cat >/dev/null

# Those that name something inside the folder. The pattern comes by pipe: grep would find its own command line.
processes() {
  # shellcheck disable=SC2062 # The pattern is what comes by pipe.
  printf '%s/' "$folder" | grep -lsFf - /proc/[0-9]*/cmdline | cut -d/ -f3
}
in_control_group() {
  find /sys/fs/cgroup -path "*/$name/*" -name cgroup.procs -exec cat {} + 2>/dev/null
}

for _ in {1..200}; do
  mapfile -t left < <(processes; in_control_group)
  ((${#left[@]})) || break
  kill -KILL "${left[@]}" 2>/dev/null
  sleep 0.05
done

awk -v within=" $folder/" 'index(" " $5, within) { print $5 }' /proc/self/mountinfo | sort -r |
  while read -r mount; do umount -l "$mount"; done
find /sys/fs/cgroup -depth -type d \( -path "*/$name/*" -o -name "$name" \) -exec rmdir {} + 2>/dev/null
rm -rf "$folder"
