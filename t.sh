. /srv/me/env
N=$1; shift
i=0; { echo '\timing on'; echo "set max_parallel_workers_per_gather=0; set jit=off;"; for n in $(seq $N); do i=0; for q in "$@"; do i=$((i+1)); echo "\\echo @q$i"; echo "$q;"; done; done; } | psql -qXAt | awk '/^@/{s=substr($0,2)} /^Time:/{if(s!="")print s, $2}' | sort -k1,1 -k2,2n | awk '{a[$1]=a[$1]" "$2; n[$1]++} END{for(s in a){split(a[s],v," "); printf "%s median %.1f min %.1f\n", s, v[int((n[s]+1)/2)], v[1]}}' | sort
