require ["vnd.dovecot.debug", "variables"]; set "who" "world"; debug_log "hello ${who}";
