/* The peer of `make bench` that is compiled: the job of the agent's SNMP driver by net-snmp's C library, asynchronous,
 * one thread. It adds up what it reads and keeps nothing: the least that a poller on this library can cost.
 *
 * usage: libsnmp_walks TARGETS PORT IN_FLIGHT      (TARGETS: one address a line; IN_FLIGHT below 900, it uses select)
 * Per device: GET sysUpTime.0 and sysName.0, then GETBULK of 25 over nine columns, a column at a time.
 * Prints one line and ends when its input is closed, so that its CPU time can be read meanwhile. */
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 9
#define MOST 100000

static const char *names[COLUMNS] = {
    "1.3.6.1.2.1.2.2.1.8",     "1.3.6.1.2.1.2.2.1.13",    "1.3.6.1.2.1.2.2.1.14",
    "1.3.6.1.2.1.2.2.1.20",    "1.3.6.1.2.1.31.1.1.1.1",  "1.3.6.1.2.1.31.1.1.1.6",
    "1.3.6.1.2.1.31.1.1.1.10", "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.2.1.31.1.1.1.19"};
static oid root[COLUMNS][MAX_OID_LEN];
static size_t root_length[COLUMNS];
static oid uptime[] = {1, 3, 6, 1, 2, 1, 1, 3, 0}, name[] = {1, 3, 6, 1, 2, 1, 1, 5, 0};
static char hosts[MOST][64];
static int host_count, next_host, active, done, errors, port;
static long values;
static unsigned long long sum;

struct device {
    netsnmp_session *session;
    int column; /* -1: the scalars are under way */
};
/* A session must not be closed within its own callback. */
static struct device *finished[MOST];
static int finished_count;

static void finish(struct device *device) {
    active--;
    finished[finished_count++] = device;
}

static void bulk(struct device *device, oid *after, size_t length) {
    netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK);
    pdu->non_repeaters = 0;
    pdu->max_repetitions = 25;
    snmp_add_null_var(pdu, after, length);
    if (!snmp_send(device->session, pdu)) {
        snmp_free_pdu(pdu);
        errors++;
        finish(device);
    }
}

static int answered(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic) {
    struct device *device = magic;
    netsnmp_variable_list *variable, *last = NULL;
    int ended = device->column < 0;
    (void)session, (void)id;
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT) {
            errors++;
            finish(device);
        }
        return 1;
    }
    for (variable = pdu->variables; variable; variable = variable->next_variable) {
        if (device->column >= 0 &&
            (variable->type == SNMP_ENDOFMIBVIEW ||
             snmp_oid_compare(root[device->column], root_length[device->column], variable->name,
                              root_length[device->column]))) {
            ended = 1;
            break;
        }
        values++;
        last = variable;
        if (variable->type == ASN_COUNTER64)
            sum += ((unsigned long long)variable->val.counter64->high << 32) + variable->val.counter64->low;
    }
    if (ended)
        device->column++;
    if (device->column >= COLUMNS) {
        done++;
        finish(device);
    } else if (ended || !last) {
        bulk(device, root[device->column], root_length[device->column]);
    } else {
        bulk(device, last->name, last->name_length);
    }
    return 1;
}

static void start(void) {
    netsnmp_session wanted;
    struct device *device = calloc(1, sizeof *device);
    netsnmp_pdu *pdu;
    char peer[96];
    snmp_sess_init(&wanted);
    snprintf(peer, sizeof peer, "udp:%s:%d", hosts[next_host++], port);
    wanted.version = SNMP_VERSION_2c;
    wanted.peername = peer;
    wanted.community = (u_char *)"public";
    wanted.community_len = 6;
    wanted.callback = answered;
    wanted.callback_magic = device;
    wanted.timeout = 2000000;
    wanted.retries = 1;
    device->column = -1;
    device->session = snmp_open(&wanted);
    if (!device->session) {
        errors++;
        free(device);
        return;
    }
    active++;
    pdu = snmp_pdu_create(SNMP_MSG_GET);
    snmp_add_null_var(pdu, uptime, 9);
    snmp_add_null_var(pdu, name, 9);
    if (!snmp_send(device->session, pdu)) {
        snmp_free_pdu(pdu);
        errors++;
        finish(device);
    }
}

int main(int argc, char **argv) {
    int in_flight, column;
    FILE *targets;
    if (argc != 4 || !(targets = fopen(argv[1], "r")))
        return 2;
    port = atoi(argv[2]);
    in_flight = atoi(argv[3]);
    while (host_count < MOST && fscanf(targets, "%63s", hosts[host_count]) == 1)
        host_count++;
    setenv("MIBS", "", 1);
    init_snmp("libsnmp_walks");
    for (column = 0; column < COLUMNS; column++) {
        root_length[column] = MAX_OID_LEN;
        read_objid(names[column], root[column], &root_length[column]);
    }
    while (active > 0 || next_host < host_count) {
        fd_set ready;
        struct timeval wait;
        int count = 0, forever = 1;
        while (active < in_flight && next_host < host_count)
            start();
        FD_ZERO(&ready);
        snmp_select_info(&count, &ready, &wait, &forever);
        count = select(count, &ready, NULL, NULL, forever ? NULL : &wait);
        if (count > 0)
            snmp_read(&ready);
        else
            snmp_timeout();
        while (finished_count > 0) {
            struct device *device = finished[--finished_count];
            snmp_close(device->session);
            free(device);
        }
    }
    printf("devices %d values %ld errors %d sum %llx\n", done, values, errors, sum);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    return errors != 0;
}
