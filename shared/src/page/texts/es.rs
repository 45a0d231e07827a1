//! Spanish.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "¿Conectar su {brand} con {operator}?",
    question_account: "Su coche se verá en la cuenta «{account}».",
    question_scopes: "El fabricante le pedirá que permita el acceso a:",
    question_advice: "Usted inicia sesión en el sitio del fabricante y decide allí. Si no lo ha pedido, o no conoce la cuenta, cierre esta página.",
    question_yes: "Sí, conectar",
    scopes: ScopeTexts {
        telemetry: "el estado de su coche, como batería o combustible, kilometraje y puertas",
        position: "dónde está su coche",
        trips: "los viajes de su coche",
        alerts: "los avisos de su coche",
        collisions: "los accidentes que comunique su coche",
        plug_and_charge: "los contratos «plug and charge» de su coche",
        identity: "su nombre y su correo electrónico",
        commands: "funciones a distancia de su coche, como la carga o el claxon",
    },
    connected: Said {
        title: "Su cuenta está conectada",
        line: "Los datos de sus coches llegarán enseguida. Puede cerrar esta página.",
    },
    one_car: "Hemos encontrado su coche y estamos leyendo sus datos. Puede cerrar esta página.",
    cars: "Hemos encontrado {count} coches y estamos leyendo sus datos. Puede cerrar esta página.",
    no_car: Said {
        title: "Conectada, pero sin coche",
        line: "Su cuenta está conectada, pero no tiene ningún {brand} cuyos datos se puedan leer. Cuando su coche esté en su cuenta del fabricante, con los servicios conectados activos, lo encontraremos en un día como máximo.",
    },
    declined: Said { title: "Ha rechazado la conexión", line: "No se ha conectado nada." },
    unavailable: Said {
        title: "Ahora mismo no funciona",
        line: "El fabricante o nosotros no hemos podido responder. Suele pasar pronto: espere unos minutos.",
    },
    expired: Said {
        title: "Este inicio de sesión ya no es válido",
        line: "Ha tardado demasiado, empezó en otro navegador o pertenece a un enlace que ya no vale. Si su cuenta ya estaba conectada, lo sigue estando.",
    },
    used: Said {
        title: "Este enlace ya se ha usado",
        line: "Con él se conectó una cuenta en otro navegador. Si fue usted, no hay nada más que hacer. Si no, pida un enlace nuevo.",
    },
    failed: Said { title: "La conexión ha fallado", line: "Esta vez no se ha conectado nada." },
    again: "Empezar de nuevo",
    new_link: "Para intentarlo de nuevo, pida un enlace nuevo donde le dieron este.",
    same_link: "Para intentarlo de nuevo, abra otra vez su enlace o pida uno nuevo.",
    back: "Volver a {operator}",
    link_expired: Said {
        title: "Este enlace ha caducado",
        line: "Un enlace vale un día. Pida uno nuevo donde le dieron este.",
    },
    link_needed: Said {
        title: "Necesita un enlace para empezar",
        line: "Empiece donde le ofrecieron conectar su coche.",
    },
    link_broken: Said {
        title: "Este enlace no funciona",
        line: "Está incompleto o ha sido modificado. Ábralo otra vez tal como se lo dieron, o pida uno nuevo.",
    },
    not_found: Said {
        title: "Esta página no existe",
        line: "Abra otra vez el enlace tal como se lo dieron.",
    },
    our_fault: Said {
        title: "Ahora mismo no funciona",
        line: "Es culpa nuestra y no se ha perdido nada. Abra el mismo enlace otra vez dentro de unos minutos.",
    },
};
