/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool - vfpool's protocol, for spin: two guests, two VFs, one network, a libvirtd, who settles and who reconciles
 *
 * Each step names the function that it stands for. What is done with the ledger locked is atomic here, as nobody else
 * decides meanwhile; a kill may come between any two of its writes all the same. There is no time: who waits does so
 * for ever, and what counts as old is what a guest has left that is on no way to libvirt any more (absent.h, offer.h).
 *
 *   POLICY=0   hard: VF 1 is reserved for guest 0, which has to have its own; guest 1 must not get it
 *   POLICY=1   soft: guest 0 takes the first VF, guest 1 likes the last better, and takes any
 *   KILLS      how many processes are killed, between any two writes
 *   RELOADS    libvirtd is reloaded once, or not
 *   DIES       it dies once, and is started again, or not
 *   LATE       guest 1 starts once that has begun, or after guest 0
 *   PLUG       guest 0 may be plugged an interface
 *   SWAPPED    an order of two writes that is wrong, to see that it is seen:
 *     1  a VF leaves its claim before it is set as it was: killed in between, nobody knows any more how it was
 *     2  libvirt has the hook's answer, and so its port, before the claim is written: killed in between, it has
 *        given a VF that is in no claim
 *     3  a guest's ports are set before the offer is withdrawn: killed in between, the offer is not what is open
 *     4  the witness' mark is read after the ports were set: a reload in between, and the offer is of counts forgotten
 *     5  the lock file is blanked before the last links go: killed in between, nobody repairs
 *     6  an offer takes the place of a withdrawal that is not its maker's: it says what was
 */
#ifndef POLICY
#define POLICY 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef SWAPPED
#define SWAPPED 0
#endif

#define OURS 3 /* a port of vfpool's; a guest's is its number and 1 */
#define NONE 0
#define CLAIMED 1
#define HELD 2
#define GONE 0
#define STARTING 1
#define RUNNING 2
#define STOPPING 3

/* the ledger: guests/UUID.xml and vfs/ADDRESS */
bool dirty;     /* the lock file holds a PID */
byte link[2];   /* of a VF: its guest and 1 */
byte state[2];  /* of a guest's file */
byte has[2];    /* the VFs in it, a bit each */
byte given[2];  /* those that libvirt gave it */
byte moved[2];  /* it was changed since its stamp was taken: by the turn, settling, reconcile */

/* run/vfpool: the offer, the turn, the wish */
byte offer;     /* the mark that it was made with, and 1; 0: withdrawn */
byte passed;    /* the VFs that it passes over */
bool narrowed;
byte alone, shared, kept; /* the turn */
bool wish, asked;

/* libvirt */
byte port[2];
bool counted[2]; /* what it looks at when it gives a VF */
bool net;        /* the network's lock */
byte died;       /* 1: it does not run; 2: it runs again */
byte mark;       /* of the witness */
bool unsteady;
byte phase[2];

/* the host */
byte opened[2];  /* by whose QEMU, a bit each */
bool setting[2]; /* it is not set as it was */

/* What is needed in one atomic step only, and so is no state. */
hidden byte back, to, was, due;
hidden byte mine;
hidden byte yes; /* what a hook is going to answer */

byte looks; /* whose stamps matter: the turn's, settling's, reconcile's */
byte kills = KILLS;
byte ended;

bool touched; /* somebody has withdrawn the offer since offer_begin() */
bool deaf;    /* the daemon hook was killed: there was no mark of a reload */
#define EXCUSED deaf

#define BIT(v) (1 << (v))
#define EXACT(g) (POLICY == 0 && (g) == 0) /* plan_is_exact() */
#define MAY(g) ((POLICY == 0 && (g) == 1) -> 1 : 3)
#define TAKEN ((link[0] != 0) | ((link[1] != 0) << 1))
/* offer_withdraw() */
#define WITHDRAW offer = 0; touched = (alone != 0)
#define HOLDS (offer == mark + 1) /* offer_read() */
#define AWAITED(g) (state[g] == CLAIMED -> (has[g] & ~given[g]) : 0)
/* ledger_awaited(), until OFFER_AWAIT_MS have passed */
#define WAITED(g) (phase[g] != GONE -> AWAITED(g) : 0)
#define DUE (!HOLDS || (narrowed && WAITED(0) == 0 && WAITED(1) == 0)) /* offer_is_due() */
/* is_settled() */
#define SETTLED(own) (kept == 0 || kept == own || phase[kept - 1] == GONE || ((moved[kept - 1] & 1) && AWAITED(kept - 1) == 0))
/* absent_is(): a release is under way for a moment only, a start longer */
#define ABSENT(g) (((phase[g] == STOPPING && state[g] == HELD) || phase[g] == GONE) && opened[0] != BIT(g) && opened[1] != BIT(g))
/* whether a libvirtd that called a guest's hook is there still */
#ifdef DIES
#define LIVES (died == 0 || (died == 2 && seen))
#else
#define LIVES true
#endif

/* A kill between two writes. */
#define MAY_DIE(dead) if :: kills > 0 -> kills--; goto dead :: true fi

#define SOUND(v) (link[v] == ((has[0] & BIT(v)) -> 1 : ((has[1] & BIT(v)) -> 2 : 0)))

/* ledger_open(), start_writing(), ledger_repair(): whoever finds a PID repairs, and then the ledger is sound */
inline open_ledger() {
	if
	:: dirty ->
		link[0] = ((has[0] & 1) -> 1 : ((has[1] & 1) -> 2 : 0));
		link[1] = ((has[0] & 2) -> 1 : ((has[1] & 2) -> 2 : 0))
	:: else
	fi;
	assert((has[0] & has[1]) == 0);    /* no VF has two holders */
	assert(SOUND(0) && SOUND(1));      /* a kill is repaired by the next one that takes the lock */
	dirty = true
}

/* ledger_close() */
inline close_ledger() {
	dirty = false
}

/* ledger_make_link() */
#define make_link(g, v, vfs) \
	if \
	:: (vfs) & BIT(v) -> assert(link[v] == 0 || link[v] == g + 1); link[v] = g + 1 \
	:: else \
	fi

/* remove_old_links() */
#define remove_links(g) \
	if :: link[0] == g + 1 && !(has[g] & 1) -> link[0] = 0 :: else fi; \
	if :: link[1] == g + 1 && !(has[g] & 2) -> link[1] = 0 :: else fi

#if SWAPPED == 5
#define BLANK_EARLY dirty = false
#else
#define BLANK_EARLY skip
#endif

/* ledger_put(), and ledger_drop() of what is nothing: links; the file; links of what the guest has no more */
#define put(g, now, vfs, got, dead) \
	make_link(g, 0, vfs); \
	make_link(g, 1, vfs); \
	MAY_DIE(dead); \
	given[g] = (got) & (vfs); \
	has[g] = vfs; \
	state[g] = (has[g] -> now : NONE); \
	moved[g] = looks; \
	BLANK_EARLY; \
	MAY_DIE(dead); \
	remove_links(g)

/* claim_settings_record(): what is recorded is how it was, not how the last guest had it */
#define record(vfs) \
	assert(!((vfs) & 1) || !setting[0]); \
	assert(!((vfs) & 2) || !setting[1])

/* claim_settings_restore(): of no guest that has the VF open */
#define restore(vfs) \
	assert(!((vfs) & 1) || !setting[0] || opened[0] == 0); \
	assert(!((vfs) & 2) || !setting[1] || opened[1] == 0); \
	setting[0] = setting[0] && !((vfs) & 1); \
	setting[1] = setting[1] && !((vfs) & 2)

/* handback_vf(), handback_guest(): set as it was, then out of the claim */
#if SWAPPED == 1
#define handback(g, vfs, dead) \
	back = vfs; \
	to = has[g] & ~back; \
	put(g, state[g], to, given[g], dead); \
	MAY_DIE(dead); \
	restore(back)
#else
#define handback(g, vfs, dead) \
	back = vfs; \
	to = has[g] & ~back; \
	restore(back); \
	MAY_DIE(dead); \
	put(g, state[g], to, given[g], dead)
#endif

/* What is settled stays so: it has no other life. */
inline unkeep() {
	kept = 0;
	looks = looks & 6;
	moved[0] = moved[0] & 6;
	moved[1] = moved[1] & 6
}

/* settle_later() */
inline settle_later() {
	if :: DUE -> wish = true :: else fi
}

/*
 * gate_set(), verb_set(): every port that is to be ours, before any that is to go. @busy: what is not ours to open. A
 * call waits while the network is locked, and fails without a libvirtd.
 */
#define block(v, blocks) \
	/* ports_block() */ \
	if \
	:: ((blocks) & BIT(v)) && port[v] == 0 -> port[v] = OURS; counted[v] = true \
	:: else \
	fi

#define open(v, opens) \
	/* open_one() */ \
	if \
	:: ((opens) & BIT(v)) && port[v] == OURS -> port[v] = 0; counted[v] = false \
	:: ((opens) & BIT(v)) && port[v] != OURS && port[v] != 0 -> busy = busy | BIT(v) \
	:: else \
	fi

#define set_ports(blocks, opens, fail, dead) \
	atomic { \
		if \
		:: died == 1 -> goto fail \
		:: died != 1 && !net -> \
			/* count_again(): before a VF is opened, what libvirt counts must be right */ \
			if :: (opens) != 0 -> counted[0] = port[0] != 0; counted[1] = port[1] != 0 :: else fi; \
			busy = 0; \
			block(0, blocks); \
			MAY_DIE(dead); \
			block(1, blocks) \
		fi \
	}; \
	atomic { \
		if \
		:: (opens) == 0 -> skip \
		:: (opens) != 0 && died == 1 -> goto fail \
		:: (opens) != 0 && died != 1 && !net -> \
			MAY_DIE(dead); \
			open(0, opens); \
			MAY_DIE(dead); \
			open(1, opens) \
		fi \
	}

/* allocation_ended(): the VF is set as it was, and leaves the claim; what an offer passes over is blocked again */
#define port_deleted(g, v, dead) \
	if \
	:: state[g] == NONE -> if :: !HOLDS || (passed & BIT(v)) -> WITHDRAW :: else fi \
	:: else -> \
		open_ledger(); \
		if \
		:: (has[g] & BIT(v)) && opened[v] == 0 -> \
			if :: !HOLDS || (passed & BIT(v)) -> WITHDRAW :: else fi; \
			MAY_DIE(dead); \
			handback(g, BIT(v), dead) \
		:: (has[g] & BIT(v)) && opened[v] != 0 -> WITHDRAW \
		:: else \
		fi; \
		close_ledger() \
	fi; \
	settle_later()

/*
 * allocation_made(), made(): whose VF it is that libvirt gives, whether this guest may have it, and which one is to go
 * for it. @plugged: it is for another interface than those that the guest has
 */
#define judge(g, v, plugged, dead) \
	open_ledger(); \
	yes = true; \
	was = state[g]; \
	mine = (has[g] & BIT(v)) != 0; \
	due = AWAITED(g); \
	if \
	/* refuse_other() */ \
	:: EXACT(g) && due && !mine -> yes = false \
	:: !(EXACT(g) && due && !mine) && link[v] == 2 - g -> \
		if \
		/* take_left() */ \
		:: ABSENT(1 - g) -> handback(1 - g, BIT(v), dead) \
		/* yield(), exchange(): the other guest gets what this one awaits */ \
		:: !ABSENT(1 - g) && !EXACT(1 - g) && (AWAITED(1 - g) & BIT(v)) && due -> \
			to = has[g] & ~due; \
			put(g, was, to, given[g], dead); \
			MAY_DIE(dead); \
			put(1 - g, CLAIMED, due, 0, dead) \
		/* yield(), find_offered(): it gets one that is free */ \
		:: !ABSENT(1 - g) && !EXACT(1 - g) && (AWAITED(1 - g) & BIT(v)) && !due && HOLDS && (MAY(1 - g) & ~passed & ~TAKEN) -> \
			to = MAY(1 - g) & ~passed & ~TAKEN; \
			put(1 - g, CLAIMED, to, 0, dead) \
		/* stand_or_refuse() */ \
		:: else -> yes = false \
		fi \
	:: else \
	fi; \
	if \
	/* refuse_unseen(), refuse_second() */ \
	:: was == NONE || (plugged && mine) -> yes = false \
	/* check_reserved() */ \
	:: !mine && !(MAY(g) & BIT(v)) -> yes = false \
	:: else \
	fi; \
	if :: !yes -> WITHDRAW :: else fi

/* keep(): how it is set is recorded, and the claim has it */
#define keep(g, v, dead) \
	if :: !mine -> record(BIT(v)) :: else fi; \
	MAY_DIE(dead); \
	to = (mine -> has[g] : (has[g] & ~due) | BIT(v)); \
	put(g, was, to, given[g] | BIT(v), dead)

/* A guest, as libvirt drives it. What has no libvirtd any more that waits for it goes on to its end, and no further. */
proctype Guest(byte g) {
	byte v, want, avoid, busy, blocks, left, def, then;
	bool seen, shares, known, plugged, ok, fails;

#ifdef LATE
	g == 0 || died == 2 || mark > 0 || ended == 1;
#endif
	atomic { died != 1 -> seen = (died == 2); phase[g] = STARTING };

	/* ---- prepare: claim_now(), claim_and_open() ---- */
	shares = !EXACT(g) && HOLDS; /* port_begin(), choose_way(), may_share() */
again:
	/* take_turns(): turn_share(), turn_take(); lock_turn() first, then is_settled(), with the lock held */
	atomic {
		if
		:: shares -> alone == 0; shared++
		:: else -> alone == 0 && shared == 0; alone = g + 1
		fi;
		SETTLED(g + 1);
		unkeep();
		/* wait_for_others(), must_wait() */
		if
		:: !shares -> !unsteady && !(EXACT(g) && WAITED(1 - g))
		:: else
		fi
	};
claim:
	atomic {
		/* claim_vfs() */
		open_ledger();
		restore(has[g]); /* handback_try(): of an earlier life */
		MAY_DIE(killed);
		/* plan_choose(): guest 0 of the hard policy its own first, guest 1 of the soft one the last */
		left = (link[0] == 2 - g || link[1] == 2 - g) && ABSENT(1 - g);
		want = MAY(g) & ~avoid & ~(left -> 0 : ((link[0] == 2 - g) | ((link[1] == 2 - g) << 1)));
		want = (want == 3 -> ((POLICY == 0) == (g == 0) -> 2 : 1) : want);
		if
		:: want == 0 -> close_ledger(); goto refused
		:: else
		fi;
		/* plan_take_left() */
		if
		:: has[1 - g] & want -> WITHDRAW; MAY_DIE(killed); handback(1 - g, has[1 - g], killed)
		:: else
		fi;
		/* port_suits(), suits_pool() */
		if
		:: shares && !(HOLDS && !(want & passed) && (want == 1 || (passed & 1) || link[0] == 2 - g)) ->
			close_ledger();
			shared--;
			shares = false;
			goto again
		:: else
		fi;
		/* What is offered is open, and what is passed over, and nobody's, is not. */
		assert(!shares || EXCUSED || ((passed & 1) -> (TAKEN & 1) || counted[0] : (TAKEN & 1) || port[0] != OURS));
		assert(!shares || EXCUSED || ((passed & 2) -> (TAKEN & 2) || counted[1] : (TAKEN & 2) || port[1] != OURS));
		record(want & ~has[g]);
		MAY_DIE(killed);
		put(g, CLAIMED, want, 0, killed);
		close_ledger()
	};
	if
	:: !shares ->
		/* port_open(): turn_keep() before anything is open */
		atomic {
			MAY_DIE(killed);
			if :: EXACT(g) -> kept = g + 1; moved[g] = moved[g] & 6; looks = looks | 1 :: else fi;
			MAY_DIE(killed);
			/* open_pool(), plan_opening() */
			known = HOLDS;
			then = mark;
			blocks = (known -> (want == 2 && !(passed & 1) && (EXACT(g) || link[0] == 0)) : 3 & ~want & ~(EXACT(g) -> 0 : WAITED(1 - g)));
			left = blocks | (known -> passed & ~(MAY(1 - g) & want) : 0);
#if SWAPPED != 3
			offer = 0; touched = false /* offer_begin() */
#endif
		};
		set_ports(blocks, want, cannot, killed);
#if SWAPPED == 3
		MAY_DIE(killed);
		offer = 0; touched = false;
#endif
		atomic {
			if
			:: busy -> avoid = avoid | want; busy = 0; goto claim
			:: else
			fi;
			MAY_DIE(killed);
			/* offer_make(): narrowed */
			if :: known && !touched -> offer = then + 1; passed = left; narrowed = true :: else fi;
			goto turn_ends
		}
	:: else
	fi;
turn_ends:
	atomic {
		/* port_end(), turn_close() */
		if :: shares -> shared-- :: else -> alone = 0 fi;
		shares = false; want = 0; avoid = 0; blocks = 0; left = 0; then = 0; known = false; busy = 0
	};
	goto allocate;

cannot: /* claim_now(), drop() */
	atomic { open_ledger(); handback(g, has[g], killed); close_ledger() };
refused: skip;
killed: /* its locks go with a process; libvirt takes it for a no, and releases (F9) */
	atomic {
		if :: shares -> shared-- :: else -> if :: alone == g + 1 -> alone = 0 :: else fi fi;
		shares = false; want = 0; avoid = 0; blocks = 0; left = 0; then = 0; known = false; busy = 0
	};
	goto stopped;

	/* ---- libvirt gives the first VF that it does not count, with the network locked (F3, F32) ---- */
allocate:
	atomic {
		ok = false;
		if
		:: !LIVES -> goto lost
		:: LIVES && !net ->
			if
			:: !counted[0] -> v = 0
			:: counted[0] && !counted[1] -> v = 1
			:: else -> fails = !plugged; goto given_or_not
			fi;
			net = true;
			counted[v] = true
		fi;
		judge(g, v, plugged, hook_ended);
#if SWAPPED == 2
		ok = yes;
#else
		if :: yes -> keep(g, v, hook_ended); ok = true :: else fi;
#endif
		close_ledger();
		settle_later()
	};
hook_ended:
	atomic {
		if
		:: !LIVES -> goto lost
		:: LIVES && ok -> port[v] = g + 1; def = def | BIT(v); net = false
		:: LIVES && !ok -> counted[v] = false; net = false; fails = !plugged
		fi
	};
#if SWAPPED == 2
	if :: ok -> atomic { open_ledger(); was = state[g]; due = AWAITED(g); mine = (has[g] & BIT(v)) != 0; keep(g, v, given_or_not); close_ledger() } :: else fi;
#endif
given_or_not:
	if
	:: fails -> goto stop
	:: !fails && plugged -> goto runs
	:: else
	fi;

	/* ---- start: guest_start(), adopt() ---- */
	atomic {
		if :: !LIVES -> goto lost :: else fi;
		open_ledger();
		if
		/* adopt_vf(), check_witnessed() */
		:: link[v] == 2 - g || (state[g] == CLAIMED && !(given[g] & BIT(v))) -> close_ledger(); goto stop
		:: else
		fi;
		/* set(): what the guest does not have goes back */
		restore(has[g] & ~BIT(v));
		MAY_DIE(stop);
		record(BIT(v));
		if :: !(has[g] & BIT(v)) -> put(g, HELD, BIT(v), BIT(v), stop) :: else fi;
		setting[v] = true; /* claim_settings_apply() */
		MAY_DIE(stop);
		put(g, HELD, BIT(v), BIT(v), stop);
		close_ledger();
		settle_later()
	};

	/* ---- QEMU has what libvirt gave ---- */
runs:
	atomic {
		if
		:: !LIVES -> goto lost
		:: else
		fi;
		if
		:: ok -> opened[v] = opened[v] | BIT(g)
		:: else
		fi;
		phase[g] = RUNNING;
		assert(opened[0] != 3 && opened[1] != 3);                     /* never two holders */
		assert((def & ~has[g]) == 0);                                 /* of what it has, the ledger knows */
		assert((def & ~MAY(g)) == 0);                                 /* the hard policy */
		died != 1;
		seen = (died == 2);
		if
#ifdef PLUG
		:: g == 0 && !plugged -> plugged = true; goto allocate
#endif
		:: true
		fi
	};

	/* ---- stop: the VFs are the host's again, then their ports go, then the guest is released (F41, F8) ---- */
stop:
	atomic {
		if :: !LIVES -> goto lost :: else fi;
		phase[g] = STOPPING;
		opened[0] = opened[0] & ~BIT(g);
		opened[1] = opened[1] & ~BIT(g)
	};
ports:
	atomic {
		if
		:: !LIVES -> goto lost
		:: LIVES && def == 0 -> goto stopped
		:: LIVES && def != 0 && !net -> net = true; v = (def & 1 -> 0 : 1)
		fi;
		port_deleted(g, v, port_gone)
	};
port_gone:
	atomic {
		if
		:: !LIVES -> goto lost
		:: else -> def = def & ~BIT(v); port[v] = 0; counted[v] = false; net = false; goto ports
		fi
	};

	/* ---- release ---- */
stopped:
	atomic {
		if :: !LIVES -> goto lost :: else fi;
		phase[g] = STOPPING;
		if
		:: state[g] != NONE || dirty ->
			/* port_close(), drop() */
			if :: state[g] == HELD || given[g] -> WITHDRAW :: else fi;
			MAY_DIE(lost);
			open_ledger();
			handback(g, has[g], lost);
			close_ledger();
			settle_later()
		:: else
		fi
	};

lost: /* nobody waits for the guest any more; one that runs is found again */
	if
	:: phase[g] == RUNNING ->
		atomic {
			died == 2;
			seen = true;
			def = (opened[0] == BIT(g)) | ((opened[1] == BIT(g)) << 1)
		};
		goto stop
	:: else
	fi;
	atomic {
		phase[g] = GONE;
		opened[0] = opened[0] & ~BIT(g);
		opened[1] = opened[1] & ~BIT(g);
		ended++
	}
}

/* libvirtd is reloaded, or dies and is started again, once at most. */
proctype Libvirtd() {
	byte g, v;
end_idle:
	if
	:: ended >= 2 -> goto done
	/* the daemon hook, and then the counts are forgotten (F27, F43) */
#ifdef RELOADS
	:: atomic { ended < 2 -> unsteady = true }
#endif
	/* what it holds in memory goes; the files of ports stay (F10, F58) */
#ifdef DIES
	:: atomic { ended < 2 -> died = 1; net = false; unsteady = true; goto starts }
#endif
	fi;

	atomic {
		MAY_DIE(unheard);
		mark++;  /* witness_leave() */
		MAY_DIE(forget);
		settle_later();
		goto forget
	};
unheard:
	deaf = true;
forget:
	atomic { !net -> counted[0] = false; counted[1] = false; unsteady = false };
	goto done;

starts:
	/* the daemon hook; and port-created of each port that is there (F33) */
	atomic { MAY_DIE(unheard_start); mark++; goto found };
unheard_start:
	skip; /* a mark is a process' */
	mark++;
found:
	atomic {
		counted[0] = port[0] != 0;
		counted[1] = port[1] != 0;
		v = 0;
		do
		:: v == 2 -> break
		:: v < 2 && (port[v] == 0 || port[v] == OURS) -> v++
		:: else ->
			g = port[v] - 1;
			open_ledger();
			if
			/* new_claim(), offer_withdraw() */
			:: state[g] == NONE -> WITHDRAW
			/* take_left() of what a guest that is gone left is not needed: stand() */
			:: state[g] != NONE && link[v] == 2 - g -> WITHDRAW
			:: state[g] != NONE && link[v] != 2 - g ->
				was = state[g];
				due = AWAITED(g);
				mine = (has[g] & BIT(v)) != 0;
				keep(g, v, uncounted)
			fi;
			close_ledger();
			v++
		od;
		goto serve
	};
uncounted:
	counted[v] = false;
serve:
	g = 0;
	/* reconnect: guest_reconnect(), adopt(): a guest that runs has what its QEMU has */
reconnects:
	atomic {
		do
		:: g == 2 -> break
		:: g < 2 && phase[g] == RUNNING ->
			open_ledger();
			due = (opened[0] == BIT(g)) | ((opened[1] == BIT(g)) << 1);
			restore(has[g] & ~due);
			put(g, HELD, due, due, unconnected);
			close_ledger();
			g++
		:: else -> g++
		od;
		died = 2;
		unsteady = false;
		settle_later()
	};
	goto done;
unconnected: /* launcher.c says that all is well, and the guest goes on */
	g++;
	goto reconnects;
done:
	skip
}

/*
 * Who settles (@whole is false), whenever a wish is left, and reconcile (@whole), which a person may run at any time, and
 * which is run once more at the end.
 */
proctype Admin(bool whole) {
	byte g, v, busy, blocks, opens, left, then, gone, ports, bits;
	bool changed, again;
	byte before[2];

	bits = (whole -> 4 : 2);
end_idle:
	atomic {
		if
		:: !whole && wish -> wish = false /* settle() */
		:: whole && asked -> skip
		:: ended == 3 -> goto done
		fi;
look:
		changed = false;
		again = false;
		/* read_claims() */
		died != 1;
		open_ledger();
		before[0] = state[0];
		before[1] = state[1];
		moved[0] = moved[0] & ~bits;
		moved[1] = moved[1] & ~bits;
		looks = looks | bits;
		close_ledger();
		if
		:: !whole && ((before[0] && ABSENT(0)) || (before[1] && ABSENT(1))) -> goto drop_gone
		:: else
		fi;
ask:
		/* ask_ports() */
		ports = (port[0] != 0 && port[0] != OURS -> 1 : 0) | (port[1] != 0 && port[1] != OURS -> 2 : 0)
	};
	/* ask_guests(): who does not run by then; settling asks nobody */
	if
	:: whole -> atomic { gone = (phase[0] == GONE || phase[0] == STOPPING) | ((phase[1] == GONE || phase[1] == STOPPING) << 1) }
	:: else
	fi;

networks: /* reconcile_network() */
	if :: DUE || (whole && !again) -> skip :: else -> goto networks_done fi;
	atomic {
		alone == 0 && shared == 0;
		alone = 3 + whole; /* turn_take() */
		SETTLED(0);
		unkeep();
		!unsteady; /* witness_is_unsteady() */
#if SWAPPED != 4
		then = mark; /* witness_mark(), which is read before: a reload that begins in between leaves another one */
#endif
		if :: (!whole || again) && !DUE -> goto turn_done :: else fi
	};
	if
	:: whole && !again ->
		/* prune_ports(), is_stale() */
		v = 0;
		do
		:: v == 2 -> break
		:: v < 2 ->
			atomic {
				if
				:: died == 1 -> goto failed
				:: died != 1 && !net ->
					if
					:: (ports & BIT(v)) && port[v] != 0 && port[v] != OURS && (gone & BIT(port[v] - 1)) ->
						g = port[v] - 1;
						port_deleted(g, v, unheard);
unheard:
						port[v] = 0;
						counted[v] = false;
						ports = ports & ~BIT(v)
					:: else
					fi
				fi
			};
			v++
		od
	:: else
	fi;
set: /* set_ports(), try_ports() */
	atomic {
		offer = 0; touched = false; /* offer_begin() */
		MAY_DIE(killed);
		/* read_view(), make_wish() */
		open_ledger();
		/* is_awaited(): of a start that is not over, also what was given */
		due = (state[0] == CLAIMED -> has[0] : 0) & ~((whole && (gone & 1) && !(moved[0] & bits)) -> 3 : 0);
		due = due | ((state[1] == CLAIMED -> has[1] : 0) & ~((whole && (gone & 2) && !(moved[1] & bits)) -> 3 : 0));
		blocks = (TAKEN | (3 & ~MAY(1))) & ~due;
		opens = 3 & ~blocks & ~due & ~ports;
		blocks = blocks | (ports & ~due);
		left = (3 & ~MAY(1)) | (blocks & ~TAKEN);
		close_ledger()
	};
	set_ports(blocks, opens, failed, killed);
#if SWAPPED == 4
	then = mark;
#endif
	/* offer_make() */
	atomic {
		MAY_DIE(killed);
		if :: touched && SWAPPED != 6 -> goto set :: else fi;
		offer = then + 1; passed = left; narrowed = false;
turn_done:
		alone = 0; touched = false;
networks_done:
		if :: !whole || again -> goto finished :: else fi
	};

drop_gone: /* drop_unchanged(), work_is_gone() */
	atomic {
		open_ledger();
		g = 0;
		do
		:: g == 2 -> break
		:: g < 2 && before[g] != NONE && state[g] != NONE && !(moved[g] & bits) && (whole -> (gone & BIT(g)) != 0 : ABSENT(g)) ->
			WITHDRAW;
			MAY_DIE(killed);
			handback(g, has[g], killed);
			changed = true;
			g++
		:: else -> g++
		od;
		close_ledger()
	};
	if
	:: !whole -> goto ask
	:: whole && changed -> again = true; WITHDRAW; goto networks /* reconcile_again() */
	:: else
	fi;
finished:
	atomic {
		if :: alone == 3 + whole -> alone = 0 :: else fi;
		looks = looks & ~bits;
		moved[0] = moved[0] & ~bits;
		moved[1] = moved[1] & ~bits;
		before[0] = 0; before[1] = 0; g = 0; v = 0; busy = 0; blocks = 0; opens = 0; left = 0; then = 0; gone = 0; ports = 0;
		changed = false; again = false;
		if :: whole -> asked = false :: else fi
	};
	goto end_idle;
failed: /* settle_once() tries again; reconcile says so */
	if :: whole -> goto finished :: else -> atomic { alone = 0; died != 1; goto look } fi;
killed:
	goto finished;
done:
	skip
}

init {
	atomic {
		/* after a reconcile: what every guest may have is open */
		passed = 3 & ~MAY(1);
		offer = 1;
		if :: passed & 2 -> port[1] = OURS; counted[1] = true :: else fi;
		run Guest(0);
		run Guest(1);
#if defined RELOADS || defined DIES
		run Libvirtd();
#endif
		run Admin(false);
#ifdef ASKED
		asked = true; /* a person runs reconcile whenever they like */
		run Admin(true)
#endif
	};
	/* Every start ends. */
	ended == 2 && !wish && !asked && !(looks & 6) && died != 1 && !unsteady;
	atomic {
		kills = 0;
		asked = true;
#ifndef ASKED
		run Admin(true)
#endif
	};
	atomic {
		!asked && !wish && !(looks & 6) ->
		assert(shared == 0 && !net);
		assert(link[0] == 0 && link[1] == 0 && has[0] == 0 && has[1] == 0); /* every VF comes back */
		assert(!setting[0] && !setting[1]);
		assert(HOLDS && passed == (3 & ~MAY(1)));
		assert(EXCUSED || (port[0] == 0 && port[1] == (POLICY == 0 -> OURS : 0)));
		assert(EXCUSED || (!counted[0] && counted[1] == (POLICY == 0)));
		ended = 3
	}
}
